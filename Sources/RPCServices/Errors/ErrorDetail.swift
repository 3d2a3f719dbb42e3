import ProtobufC
import ProtobufWellKnownTypes
public import RPCCore

/// What an error says beside its code and message, in the types of google/rpc/error_details.proto. Clients find it
/// in `grpc-status-details-bin`, as a `google.rpc.Status`.
public enum ErrorDetail: Sendable, Hashable {
  /// The cause, for programs: an UPPER_SNAKE reason within a domain, and values that go with it.
  case info(reason: String, domain: String, metadata: [String: String])
  /// The request's fields that are wrong.
  case badRequest([FieldViolation])
  /// What must be true first: a kind, what it is about, and how to get there.
  case preconditionFailure(type: String, subject: String, description: String)
  /// The resource that the error is about.
  case resource(type: String, name: String, description: String)
  /// When a retry may succeed.
  case retry(after: Duration)
  /// The limit that was reached: whose it is, and what it is.
  case quotaFailure(subject: String, description: String)

  /// A field of a request, by its path from the request on, and what it must be.
  public struct FieldViolation: Sendable, Hashable {
    /// Such as `session.name`.
    public let field: String
    /// What is allowed.
    public let description: String

    /// A violation.
    public init(field: String, description: String) {
      self.field = field
      self.description = description
    }
  }
}

extension RPCError {
  // Callers take some 8 KiB of trailers, in which the details are in base64 and the message comes twice. What a
  // request made long, such as its own text in a message or thousands of violations, is cut to fit.
  private static let messageBytesMax = 768
  private static let textBytesMax = 256
  private static let violationsBytesMax = 3072

  /// An error with details. Long texts are shortened, and of many violations the first are kept, so that the whole
  /// fits what clients accept of trailers.
  public init(_ code: StatusCode, _ message: String, details: [ErrorDetail], cause: (any Error)? = nil) {
    let message = message.shortened(toBytes: Self.messageBytesMax)
    self.init(code, message, cause: cause)
    let status = Google_Rpc_Status.with {
      $0.code = Int32(code.rawValue)
      $0.message = message
      $0.details = details.compactMap { $0.fitted(Self.textBytesMax, Self.violationsBytesMax).packed }
    }
    // What cannot be encoded is a detail with U+0000 in it; the code and the message stand without it.
    if let bytes = try? status.encoded() { trailers.add("grpc-status-details-bin", bytes) }
  }
}

extension RPCError {
  /// The error with a `google.rpc.ErrorInfo` of `domain` if it has no details: of its reason, or else of its code's
  /// name.
  public func withInfo(domain: String) -> RPCError {
    guard trailers[binary: "grpc-status-details-bin"] == nil else { return self }
    var complete = RPCError(
      code, message, details: [.info(reason: reason ?? code.name, domain: domain, metadata: [:])], cause: cause)
    complete.reason = reason
    complete.trailers.add(contentsOf: trailers)
    return complete
  }
}

extension ErrorDetail {
  fileprivate func fitted(_ textBytesMax: Int, _ violationsBytesMax: Int) -> ErrorDetail {
    func short(_ text: String) -> String { text.shortened(toBytes: textBytesMax) }
    switch self {
    case .info(let reason, let domain, let metadata):
      return .info(reason: reason, domain: domain, metadata: metadata.mapValues(short))
    case .badRequest(let violations):
      var bytesLeft = violationsBytesMax
      let kept = violations.lazy
        .map { FieldViolation(field: short($0.field), description: short($0.description)) }
        .prefix { violation in
          bytesLeft -= violation.field.utf8.count + violation.description.utf8.count + 8
          return bytesLeft >= 0
        }
      return .badRequest(Array(kept))
    case .preconditionFailure(let type, let subject, let description):
      return .preconditionFailure(type: type, subject: short(subject), description: short(description))
    case .resource(let type, let name, let description):
      return .resource(type: type, name: short(name), description: short(description))
    case .retry: return self
    case .quotaFailure(let subject, let description):
      return .quotaFailure(subject: short(subject), description: short(description))
    }
  }
}

extension ErrorDetail {
  fileprivate var packed: Google_Protobuf_Any? {
    switch self {
    case .info(let reason, let domain, let metadata):
      pack(
        Google_Rpc_ErrorInfo.with {
          $0.reason = reason
          $0.domain = domain
          $0.metadata = metadata
        })
    case .badRequest(let violations):
      pack(
        Google_Rpc_BadRequest.with {
          $0.fieldViolations = violations.map { violation in
            .with {
              $0.field = violation.field
              $0.description_p = violation.description
            }
          }
        })
    case .preconditionFailure(let type, let subject, let description):
      pack(
        Google_Rpc_PreconditionFailure.with {
          $0.violations = [
            .with {
              $0.type = type
              $0.subject = subject
              $0.description_p = description
            }
          ]
        })
    case .resource(let type, let name, let description):
      pack(
        Google_Rpc_ResourceInfo.with {
          $0.resourceType = type
          $0.resourceName = name
          $0.description_p = description
        })
    case .retry(let delay):
      pack(
        Google_Rpc_RetryInfo.with {
          $0.retryDelay = .with {
            $0.seconds = delay.components.seconds
            $0.nanos = Int32(delay.components.attoseconds / 1_000_000_000)
          }
        })
    case .quotaFailure(let subject, let description):
      pack(
        Google_Rpc_QuotaFailure.with {
          $0.violations = [
            .with {
              $0.subject = subject
              $0.description_p = description
            }
          ]
        })
    }
  }

  private func pack<Message: ProtobufMessage>(_ message: Message) -> Google_Protobuf_Any? {
    // A detail that cannot be encoded is left out; see above.
    guard let bytes = try? message.encoded() else { return nil }
    return .with {
      $0.typeURL = "type.googleapis.com/\(Message.fullName)"
      $0.value = bytes
    }
  }
}
