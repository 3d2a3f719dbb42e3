/// Proves who the caller is by a token (RFC 6750 section 2.1). Calls that have an `authorization` already keep it.
public struct BearerToken: ClientInterceptor {
  private let authorization: String

  /// Sends `token` with every call; nil where it has characters that a header cannot carry.
  public init?(_ token: String) {
    guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    authorization = "Bearer \(token)"
  }

  /// Adds the `authorization`.
  public func begins(_ method: MethodDescriptor, _ options: inout CallOptions) {
    if options.metadata[text: "authorization"] == nil { options.metadata.add("authorization", authorization) }
  }
}
