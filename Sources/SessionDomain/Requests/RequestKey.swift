/// What makes a repeated request known: the method, the caller's id, and a digest of the body.
public struct RequestKey: Hashable, Sendable {
  /// The method that was called; an id counts per method.
  public let method: String
  /// The id that the caller chose, at most 64 characters (Unicode scalars); empty for none.
  public let requestID: String
  /// A digest of the request without its id, the same in every run; at most 64 bytes are of use.
  public let bodyDigest: [UInt8]

  /// Makes a key.
  public init(method: String, requestID: String, bodyDigest: [UInt8]) {
    self.method = method
    self.requestID = requestID
    self.bodyDigest = bodyDigest
  }

  /// Everything that is wrong with the id.
  public func violations() -> [FieldViolation] {
    var checker = FieldChecker()
    if requestID.unicodeScalars.count > FieldLimits.requestIDCharactersMax {
      checker.refuse("request_id", "a request id has at most \(FieldLimits.requestIDCharactersMax) characters")
    }
    if requestID.utf8.contains(0) { checker.refuse("request_id", "a request id has no NUL") }
    return checker.violations
  }
}
