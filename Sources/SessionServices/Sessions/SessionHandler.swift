import Glibc
public import ProtobufC
public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.SessionService` over a repository.
public struct SessionHandler: SessionService {
  private let repository: any SessionRepository
  private let changes: CommittedChanges

  /// Serves `repository`, whose commits go to `changes`.
  public init(repository: any SessionRepository, changes: CommittedChanges) {
    self.repository = repository
    self.changes = changes
  }

  /// Creates a session in INITIALIZING.
  public func createSession(
    _ request: CreateSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<CreateSessionResponse> {
    guard let input = request.session else { throw RPCError([.required("session")]) }
    let draft = SessionDraft(input)
    let key =
      request.requestID.isEmpty
      ? nil : RequestKey(method: "CreateSession", requestID: request.requestID, bodyDigest: draft.digest)
    let session = try await answering { try await repository.create(draft, request: key) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// The session as it stands, where that is in memory.
  public func getSession(
    atOnce request: LentMessage<GetSessionRequest>, context: ServerContext
  ) throws -> ServerResponse<GetSessionResponse>? {
    // What is no id is for the other to refuse.
    guard let text = request.c.pointee.session_id, let id = SessionID(cString: text) else { return nil }
    return changes.cache[id].map { ServerResponse($0) }
  }

  /// The session as it stands in the store.
  public func getSession(
    _ request: GetSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<GetSessionResponse> {
    let id = try sessionID(request.sessionID)
    let fill = changes.cache.beginFill(id)
    var answer: SessionCache.Answer?
    defer { changes.cache.fill(fill, with: answer) }
    let session = try await answering { try await repository.session(id) }
    let encoded = try SessionCache.Answer(.with { $0.session = .init(session) })
    answer = encoded
    return ServerResponse(encoded)
  }

  /// Changes the masked fields.
  public func updateSession(
    _ request: UpdateSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<UpdateSessionResponse> {
    guard var input = request.session else { throw RPCError([.required("session")]) }
    let mask = request.updateMask?.paths ?? []
    // What the mask does not name is not looked at.
    if !mask.isEmpty, !mask.contains("metadata"), let members = input.metadata?.fields {
      input.metadata?.fields = members.filter { mask.contains("metadata.\($0.key)") }
    }
    var values = SessionDraft(input)
    values.malformed += expectedRevisionViolations(request.expectedRevision)
    let change = SessionChange(
      values: values, status: input.status.rawValue, statusReason: input.statusReason, mask: mask)
    // What is wrong with the fields comes before what is wrong with the id.
    let id = try sessionID(
      input.id, at: "session.id",
      besides: SessionID(input.id) == nil ? try await violations(of: change) : [])
    let session = try await answering {
      try await repository.update(id, change, expectedRevision: request.expectedRevision.nonZero)
    }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Removes a session and all that belongs to it.
  public func deleteSession(
    _ request: DeleteSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<DeleteSessionResponse> {
    let violations = expectedRevisionViolations(request.expectedRevision)
    let isNoID = !request.sessionID.isEmpty && SessionID(request.sessionID) == nil
    if request.allowMissing, isNoID, violations.isEmpty { return try ServerResponse(DeleteSessionResponse()) }
    let id = try sessionID(request.sessionID, besides: violations)
    let deleted = try await answering {
      try await repository.delete(
        id, force: request.force, allowMissing: request.allowMissing,
        expectedRevision: request.expectedRevision.nonZero)
    }
    return try ServerResponse(.with { $0.deleted = deleted })
  }

  /// A page of the sessions that match.
  public func listSessions(
    _ request: ListSessionsRequest, context: ServerContext
  ) async throws -> ServerResponse<ListSessionsResponse> {
    let query = try SessionQuery(request)
    let page = try await answering { try await repository.list(query) }
    return try ServerResponse(
      .with {
        $0.sessions = page.sessions.map { .init($0) }
        $0.nextPageToken = page.nextPageToken
        $0.totalSize = page.totalSize ?? 0
        $0.sequence = page.sequence
      })
  }

  /// The sessions that contain the query, latest activity first.
  public func searchSessions(
    _ request: SearchSessionsRequest, context: ServerContext
  ) async throws -> ServerResponse<SearchSessionsResponse> {
    let sessions = try await answering {
      try await repository.search(request.query, limit: Int(request.limit))
    }
    return try ServerResponse(.with { $0.sessions = sessions.map { .init($0) } })
  }

  /// Everything that is wrong with a change, whatever session it is of, a missing parent among it.
  private func violations(of change: SessionChange) async throws -> [FieldViolation] {
    let checked = change.check()
    guard let parent = checked.parentID else { return checked.violations }
    do {
      _ = try await repository.session(parent)
      return checked.violations
    } catch SessionError.notFound {
      return checked.violations + [
        FieldViolation(path: "session.parent_id", description: "a parent is an existing session")
      ]
    } catch {
      throw RPCError(error)
    }
  }

  private func expectedRevisionViolations(_ revision: Int64) -> [FieldViolation] {
    revision < 0
      ? [FieldViolation(path: "expected_revision", description: "a session's revision, or 0 for any")] : []
  }
}

extension FieldViolation {
  static func required(_ path: String) -> FieldViolation {
    FieldViolation(path: path, description: "this field is required")
  }
}

extension Int64 {
  // Proto3 has no absent integers: 0 means none was given.
  fileprivate var nonZero: Int64? { self == 0 ? nil : self }
}

extension SessionID {
  /// Reads the canonical form where C has it; nil for anything else.
  fileprivate init?(cString text: UnsafePointer<CChar>) {
    let bytes = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
    self.init(utf8: UnsafeBufferPointer(start: bytes, count: strlen(text)))
  }
}
