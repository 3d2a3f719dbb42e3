// The one place where the domain's errors become the wire's. Codes as google.rpc.Code describes them; every error
// carries an ErrorInfo of the domain "sessiond".

import RPCCore
import RPCServices
import SessionDomain

extension RPCError {
  /// What a caller is told of a refusal or failure of the domain.
  init(_ error: SessionError) {
    switch error {
    case .invalidArgument(let violations): self.init(violations)
    case .notFound(let id): self = .sessionNotFound(id.description)
    case .notAnID(let text): self = .sessionNotFound(text)
    case .affinityNotFound(let id):
      self.init(
        .notFound, "session \(id) has no affinity", reason: "AFFINITY_NOT_FOUND", ["session_id": id.description],
        .resource(type: "orchestration.session.v1.Affinity", name: id.description, description: "none is set"))
    case .templateNotFound(let name):
      self.init(
        .notFound, "no template has the name \"\(name)\"", reason: "TEMPLATE_NOT_FOUND", ["template_name": name],
        .resource(type: Self.templateType, name: name, description: "no template has this name"))
    case .templateExists(let name):
      self.init(
        .alreadyExists, "a template has the name \"\(name)\" already", reason: "TEMPLATE_EXISTS",
        ["template_name": name],
        .resource(type: Self.templateType, name: name, description: "a template has this name already"))
    case .revisionConflict(let expected, let actual):
      self.init(
        .aborted, "the session is at revision \(actual), not at \(expected)", reason: "REVISION_CONFLICT",
        ["expected": "\(expected)", "actual": "\(actual)"])
    case .illegalTransition(let from, let to, let allowed):
      let names = allowed.map(\.contractName).joined(separator: ",")
      let message =
        "a session in \(from.contractName) cannot become \(to.contractName); allowed: "
        + (names.isEmpty ? "none" : names)
      self.init(
        .failedPrecondition, message, reason: "ILLEGAL_TRANSITION",
        ["from": from.contractName, "to": to.contractName, "allowed": names],
        .preconditionFailure(type: "STATUS", subject: from.contractName, description: message))
    case .notFinished(let id, let status):
      let message = "session \(id) is in \(status.contractName), which is not final"
      self.init(
        .failedPrecondition, message, reason: "NOT_FINISHED", ["status": status.contractName],
        .preconditionFailure(type: "STATUS", subject: id.description, description: message))
    case .hasChildren(let id):
      let message = "session \(id) has children"
      self.init(
        .failedPrecondition, message, reason: "HAS_CHILDREN", [:],
        .preconditionFailure(type: "CHILDREN", subject: id.description, description: message))
    case .constraintExceeded(let constraint, let allocated, let allowed):
      let message = "the allocation of \(allocated) is over \(constraint), which allows \(allowed)"
      self.init(
        .failedPrecondition, message, reason: "CONSTRAINT_EXCEEDED",
        ["constraint": constraint, "allocated": "\(allocated)", "allowed": "\(allowed)"],
        .preconditionFailure(type: "CONSTRAINT", subject: constraint, description: message))
    case .noTarget(let id, let explanation):
      self.init(
        .unavailable, "no target of session \(id) can take work: \(explanation)", reason: "NO_TARGET",
        ["session_id": id.description])
    case .noReceiver(let type):
      self.init(
        .unavailable, "no registered \(type.description.uppercased()) can take the message", reason: "NO_TARGET",
        ["type": type.description.uppercased()])
    case .notRegistered(let id):
      self = .cannotTake(id, "is not registered", reason: "NOT_REGISTERED", type: "REGISTRATION")
    case .draining(let id):
      self = .cannotTake(id, "is draining, and accepts nothing new", reason: "DRAINING", type: "REGISTRATION")
    case .typeNotAccepted(let id, let type):
      self = .cannotTake(
        id, "does not accept messages of type \"\(type)\"", reason: "TYPE_NOT_ACCEPTED", ["type": type],
        type: "MESSAGE_TYPE")
    case .observerReadOnly(let id):
      self = .cannotTake(
        id, "is an OBSERVER, and observers do not send", reason: "OBSERVER_READ_ONLY", type: "SESSION_TYPE")
    case .queueFull(let id, let max):
      let message = "the queue of session \(id) has \(max) messages, which is as many as its max-queue allows"
      self.init(
        .resourceExhausted, message, reason: "QUEUE_FULL", ["session_id": id.description, "max-queue": "\(max)"],
        .quotaFailure(subject: id.description, description: message))
    case .capacityExceeded(let shortage):
      let message =
        "an allocation of \(shortage.requested) is over the \(shortage.available) that are left of "
        + "\(shortage.setting), which is \(shortage.capacity)"
      self.init(
        .resourceExhausted, message, reason: "CAPACITY_EXCEEDED",
        [
          "setting": shortage.setting, "requested": "\(shortage.requested)", "available": "\(shortage.available)",
          "capacity": "\(shortage.capacity)",
        ], .quotaFailure(subject: shortage.setting, description: message))
    case .sessionLimit(let max):
      let message = "\(max) sessions are in no final status, which is as many as maxSessions allows"
      self.init(
        .resourceExhausted, message, reason: "SESSION_LIMIT", ["maxSessions": "\(max)"],
        .quotaFailure(subject: "maxSessions", description: message))
    case .drainTimeout(let count):
      self.init(
        .deadlineExceeded, "\(count) messages still wait or are in delivery; the session stays draining",
        reason: "DRAIN_TIMEOUT", ["pending": "\(count)"])
    case .migrationTimeout(let count):
      self.init(
        .deadlineExceeded, "\(count) messages still are in delivery; nothing has changed",
        reason: "MIGRATION_TIMEOUT", ["in_delivery": "\(count)"])
    case .requestIDReused(let requestID):
      self.init(
        .alreadyExists, "request_id \"\(requestID)\" was used for another request", reason: "REQUEST_ID_REUSED",
        ["request_id": requestID])
    case .pageTokenInvalid:
      self.init(
        .invalidArgument, "page_token: expected the token of a previous page, with an unchanged request",
        reason: "PAGE_TOKEN_INVALID", [:],
        .badRequest([
          .init(field: "page_token", description: "the token of a previous page, with an unchanged request")
        ]))
    case .sequenceCompacted(let oldest):
      self.init(
        .outOfRange, "the history begins with sequence \(oldest); what came before is no longer kept",
        reason: "SEQUENCE_COMPACTED", ["oldest": "\(oldest)"])
    case .sequenceInFuture(let newest):
      self.init([
        FieldViolation(path: "after_sequence", description: "at most \(newest), the sequence of the newest event")
      ])
    case .overloaded:
      self.init(
        .unavailable, "too many requests wait for the store", reason: "OVERLOADED", [:], .retry(after: .seconds(1)))
    case .tooCostly(let limit):
      self.init(
        .resourceExhausted, "the query took longer than \(limit), and was ended; ask for less",
        reason: "QUERY_TOO_COSTLY",
        ["limit": "\(limit)"], .quotaFailure(subject: "queryTimeout", description: "a query may take \(limit)"))
    case .pageTooLarge(let bytesMax):
      self.init(
        .resourceExhausted, "the page takes more than \(bytesMax) bytes; ask for fewer entries, or by page token",
        reason: "PAGE_TOO_LARGE", ["limit": "\(bytesMax)"],
        .quotaFailure(subject: "page", description: "a page takes at most \(bytesMax) bytes"))
    case .cancelled: self.init(.cancelled, "the call was cancelled")
    case .snapshotExpired:
      self.init(.aborted, "the snapshot was read too slowly; start again", reason: "SNAPSHOT_EXPIRED")
    case .closed: self = .shuttingDown
    case .storage(let failure): self.init(failure)
    }
  }

  /// INVALID_ARGUMENT with every violation of a request.
  init(_ violations: [FieldViolation]) {
    // The details have them all, as far as trailers go; the message is for people.
    let shown = violations.prefix(8).map { "\($0.path): \($0.description)" }
    let more = violations.count > shown.count ? ["and \(violations.count - shown.count) more"] : []
    self.init(
      .invalidArgument, (shown + more).joined(separator: "; "),
      reason: "INVALID_FIELD", violations.first.map { ["field": $0.path] } ?? [:],
      .badRequest(violations.map { .init(field: $0.path, description: $0.description) }))
  }

  private init(_ failure: StorageFailure) {
    let (code, message, reason): (StatusCode, String, String) =
      switch failure.kind {
      case .busy: (.unavailable, "the store is locked by another program", "STORAGE_BUSY")
      case .full: (.resourceExhausted, "the store is full; nothing was changed", "STORAGE_FULL")
      case .readOnly: (.unavailable, "the store cannot be written; nothing was changed", "STORAGE_READ_ONLY")
      case .corrupt: (.dataLoss, "the store is damaged", "STORAGE_CORRUPT")
      case .io, .interrupted, .other: (.internal, "the store failed", "STORAGE_FAILED")
      }
    self.init(
      code, message,
      details: [.info(reason: reason, domain: Self.domain, metadata: [:])], cause: SessionError.storage(failure))
  }

  static let domain = "sessiond"
  private static let templateType = "orchestration.session.v1.Template"

  /// The server ends what it does.
  static var shuttingDown: RPCError {
    RPCError(.unavailable, "the server is shutting down", reason: "SHUTTING_DOWN")
  }

  /// The feature is switched off by the setting of this name.
  static func featureDisabled(_ setting: String) -> RPCError {
    RPCError(
      .unimplemented, "this is switched off by the setting \(setting)", reason: "FEATURE_DISABLED",
      ["setting": setting])
  }

  /// No session has this id, which may be any text.
  static func sessionNotFound(_ id: String) -> RPCError {
    RPCError(
      .notFound, "no session has the id \"\(id)\"", reason: "SESSION_NOT_FOUND", ["session_id": id],
      .resource(type: "orchestration.session.v1.Session", name: id, description: "no session has this id"))
  }

  /// What a session is asked to do on the message bus that it cannot, as `obstacle` says.
  private static func cannotTake(
    _ id: SessionID, _ obstacle: String, reason: String, _ metadata: [String: String] = [:], type: String
  ) -> RPCError {
    let message = "session \(id) \(obstacle)"
    return RPCError(
      .failedPrecondition, message, reason: reason, metadata.merging(["session_id": id.description]) { $1 },
      .preconditionFailure(type: type, subject: id.description, description: message))
  }

  private init(
    _ code: StatusCode, _ message: String, reason: String, _ metadata: [String: String] = [:],
    _ details: ErrorDetail...
  ) {
    self.init(
      code, message, details: [.info(reason: reason, domain: Self.domain, metadata: metadata)] + details)
  }
}

extension SessionStatus {
  /// As in the contract, without its prefix: `ACTIVE`.
  var contractName: String { description.uppercased() }
}

/// Runs `work` and turns the domain's errors into the wire's.
func answering<Value: Sendable>(_ work: () async throws -> Value) async throws -> Value {
  do {
    return try await work()
  } catch let error as SessionError {
    throw RPCError(error)
  }
}

/// The session that a request names.
/// - Throws: INVALID_ARGUMENT for no id, or for `violations` of the request's other fields; NOT_FOUND for one that no
///   session can have: ids are the server's to choose.
func sessionID(
  _ text: String, at path: String = "session_id", besides violations: [FieldViolation] = []
) throws -> SessionID {
  if text.isEmpty {
    throw RPCError([FieldViolation(path: path, description: "the id of a session is required")] + violations)
  }
  guard violations.isEmpty else { throw RPCError(violations) }
  guard let id = SessionID(text) else { throw RPCError.sessionNotFound(text) }
  return id
}
