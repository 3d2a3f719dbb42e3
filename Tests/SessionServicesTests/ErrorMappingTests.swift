import ProtobufWellKnownTypes
import RPCCore
import RPCServices
import SessionDomain
import Testing

@testable import SessionServices

/// Each error of the domain on the wire.
@Suite struct ErrorMappingTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let error: SessionError
    let code: StatusCode
    let reason: String
    var metadata: [String: String] = [:]
    /// The details beside the ErrorInfo, by their types.
    var details: [String] = []

    var testDescription: String { reason }
  }

  private static let id = SessionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
  private static let idText = "01900000-0000-7000-8000-000000000001"

  private static func storage(_ kind: StorageFailure.Kind) -> SessionError {
    .storage(StorageFailure(kind: kind, extendedCode: 11, statement: "SELECT secret"))
  }

  static let rows = [
    Row(
      error: .invalidArgument([
        .init(path: "session.name", description: "too long"), .init(path: "session.type", description: "unknown"),
      ]), code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "session.name"],
      details: ["BadRequest"]),
    Row(
      error: .notFound(id), code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": idText],
      details: ["ResourceInfo"]),
    Row(
      error: .notAnID("director-1"), code: .notFound, reason: "SESSION_NOT_FOUND",
      metadata: ["session_id": "director-1"], details: ["ResourceInfo"]),
    Row(
      error: .affinityNotFound(id), code: .notFound, reason: "AFFINITY_NOT_FOUND", metadata: ["session_id": idText],
      details: ["ResourceInfo"]),
    Row(
      error: .noTarget(id, explanation: "it is draining"), code: .unavailable, reason: "NO_TARGET",
      metadata: ["session_id": idText]),
    Row(error: .noReceiver(.department), code: .unavailable, reason: "NO_TARGET", metadata: ["type": "DEPARTMENT"]),
    Row(
      error: .notRegistered(id), code: .failedPrecondition, reason: "NOT_REGISTERED", metadata: ["session_id": idText],
      details: ["PreconditionFailure"]),
    Row(
      error: .draining(id), code: .failedPrecondition, reason: "DRAINING", metadata: ["session_id": idText],
      details: ["PreconditionFailure"]),
    Row(
      error: .typeNotAccepted(id, type: "COMMAND"), code: .failedPrecondition, reason: "TYPE_NOT_ACCEPTED",
      metadata: ["session_id": idText, "type": "COMMAND"], details: ["PreconditionFailure"]),
    Row(
      error: .observerReadOnly(id), code: .failedPrecondition, reason: "OBSERVER_READ_ONLY",
      metadata: ["session_id": idText], details: ["PreconditionFailure"]),
    Row(
      error: .queueFull(id, max: 3), code: .resourceExhausted, reason: "QUEUE_FULL",
      metadata: ["session_id": idText, "max-queue": "3"], details: ["QuotaFailure"]),
    Row(
      error: .templateNotFound(name: "t"), code: .notFound, reason: "TEMPLATE_NOT_FOUND",
      metadata: ["template_name": "t"], details: ["ResourceInfo"]),
    Row(
      error: .templateExists(name: "t"), code: .alreadyExists, reason: "TEMPLATE_EXISTS",
      metadata: ["template_name": "t"], details: ["ResourceInfo"]),
    Row(
      error: .revisionConflict(expected: 3, actual: 5), code: .aborted, reason: "REVISION_CONFLICT",
      metadata: ["expected": "3", "actual": "5"]),
    Row(
      error: .illegalTransition(from: .idle, to: .error, allowed: [.active, .terminated]),
      code: .failedPrecondition, reason: "ILLEGAL_TRANSITION",
      metadata: ["from": "IDLE", "to": "ERROR", "allowed": "ACTIVE,TERMINATED"], details: ["PreconditionFailure"]),
    Row(
      error: .notFinished(id, status: .active), code: .failedPrecondition, reason: "NOT_FINISHED",
      metadata: ["status": "ACTIVE"], details: ["PreconditionFailure"]),
    Row(
      error: .hasChildren(id), code: .failedPrecondition, reason: "HAS_CHILDREN", details: ["PreconditionFailure"]),
    Row(
      error: .constraintExceeded(constraint: "max-memory", allocated: 20, allowed: 10), code: .failedPrecondition,
      reason: "CONSTRAINT_EXCEEDED", metadata: ["constraint": "max-memory", "allocated": "20", "allowed": "10"],
      details: ["PreconditionFailure"]),
    Row(
      error: .capacityExceeded(
        CapacityShortage(setting: "capacityMemory", requested: 20, available: 5, capacity: 100)),
      code: .resourceExhausted, reason: "CAPACITY_EXCEEDED",
      metadata: ["setting": "capacityMemory", "requested": "20", "available": "5", "capacity": "100"],
      details: ["QuotaFailure"]),
    Row(
      error: .sessionLimit(max: 100), code: .resourceExhausted, reason: "SESSION_LIMIT",
      metadata: ["maxSessions": "100"], details: ["QuotaFailure"]),
    Row(
      error: .drainTimeout(pendingCount: 3), code: .deadlineExceeded, reason: "DRAIN_TIMEOUT",
      metadata: ["pending": "3"]),
    Row(
      error: .migrationTimeout(inDeliveryCount: 2), code: .deadlineExceeded, reason: "MIGRATION_TIMEOUT",
      metadata: ["in_delivery": "2"]),
    Row(
      error: .requestIDReused(requestID: "r1"), code: .alreadyExists, reason: "REQUEST_ID_REUSED",
      metadata: ["request_id": "r1"]),
    Row(
      error: .pageTokenInvalid, code: .invalidArgument, reason: "PAGE_TOKEN_INVALID", details: ["BadRequest"]),
    Row(
      error: .sequenceCompacted(oldest: 7), code: .outOfRange, reason: "SEQUENCE_COMPACTED",
      metadata: ["oldest": "7"]),
    Row(
      error: .sequenceInFuture(newest: 9), code: .invalidArgument, reason: "INVALID_FIELD",
      metadata: ["field": "after_sequence"], details: ["BadRequest"]),
    Row(error: .overloaded, code: .unavailable, reason: "OVERLOADED", details: ["RetryInfo"]),
    Row(
      error: .tooCostly(limit: .seconds(5)), code: .resourceExhausted, reason: "QUERY_TOO_COSTLY",
      metadata: ["limit": "\(Duration.seconds(5))"], details: ["QuotaFailure"]),
    Row(
      error: .pageTooLarge(bytesMax: 9), code: .resourceExhausted, reason: "PAGE_TOO_LARGE", metadata: ["limit": "9"],
      details: ["QuotaFailure"]),
    Row(error: .cancelled, code: .cancelled, reason: ""),
    Row(error: .snapshotExpired, code: .aborted, reason: "SNAPSHOT_EXPIRED"),
    Row(error: .closed, code: .unavailable, reason: "SHUTTING_DOWN"),
    Row(error: storage(.busy), code: .unavailable, reason: "STORAGE_BUSY"),
    Row(error: storage(.full), code: .resourceExhausted, reason: "STORAGE_FULL"),
    Row(error: storage(.corrupt), code: .dataLoss, reason: "STORAGE_CORRUPT"),
    Row(error: storage(.readOnly), code: .unavailable, reason: "STORAGE_READ_ONLY"),
    Row(error: storage(.io), code: .internal, reason: "STORAGE_FAILED"),
    Row(error: storage(.interrupted), code: .internal, reason: "STORAGE_FAILED"),
    Row(error: storage(.other), code: .internal, reason: "STORAGE_FAILED"),
  ]

  @Test(arguments: rows) func anErrorHasItsCodeReasonAndDetails(row: Row) throws {
    let error = RPCError(row.error)
    #expect(try Refusal(error) == Refusal(code: row.code, reason: row.reason, metadata: row.metadata))
    let details = try error.details
    // A caller that left is told nothing.
    if row.error == .cancelled { return #expect(details.isEmpty) }
    let prefix = "type.googleapis.com/google.rpc."
    #expect(details.map(\.typeURL) == (["ErrorInfo"] + row.details).map { prefix + $0 })
    #expect(try details.first?.unpacked(as: Google_Rpc_ErrorInfo.self)?.domain == "sessiond")
    let bytes = try #require(error.trailers[binary: "grpc-status-details-bin"])
    let status = try bytes.withUnsafeBytes { try Google_Rpc_Status(decoding: $0) }
    #expect(status.code == Int32(row.code.rawValue))
    #expect(status.message == error.message)
    #expect(!error.message.contains("secret"))
  }

  @Test func everyViolationIsTold() throws {
    let error = RPCError(
      .invalidArgument([.init(path: "a", description: "one"), .init(path: "b", description: "two")]))
    let request = try error.details.compactMap { try $0.unpacked(as: Google_Rpc_BadRequest.self) }.first
    #expect(request?.fieldViolations.map(\.field) == ["a", "b"])
    #expect(request?.fieldViolations.map(\.description_p) == ["one", "two"])
    #expect(error.message == "a: one; b: two")
  }

  @Test func aStorageFailureKeepsItsCauseForTheLog() {
    #expect(RPCError(Self.storage(.io)).cause is SessionError)
  }

  @Test(arguments: [("", StatusCode.invalidArgument), ("nonsense", .notFound), ("0190", .notFound)])
  func textThatIsNoIDIsRefused(pair: (text: String, code: StatusCode)) {
    #expect { try sessionID(pair.text) } throws: { ($0 as? RPCError)?.code == pair.code }
  }
}
