import SessionDomain

/// A repository beside which something happens after each read of a session.
struct InterposedRepository: SessionRepository {
  private let base: any SessionRepository
  private let afterRead: @Sendable (SessionID) async throws(SessionError) -> Void

  init(_ base: any SessionRepository, afterRead: @escaping @Sendable (SessionID) async throws(SessionError) -> Void) {
    self.base = base
    self.afterRead = afterRead
  }

  func session(_ id: SessionID) async throws(SessionError) -> Session {
    let session = try await base.session(id)
    try await afterRead(id)
    return session
  }

  func create(_ draft: SessionDraft, request: RequestKey?) async throws(SessionError) -> Session {
    try await base.create(draft, request: request)
  }

  func update(_ id: SessionID, _ change: SessionChange, expectedRevision: Int64?) async throws(SessionError) -> Session
  {
    try await base.update(id, change, expectedRevision: expectedRevision)
  }

  func delete(
    _ id: SessionID, force: Bool, allowMissing: Bool, expectedRevision: Int64?
  ) async throws(SessionError) -> Bool {
    try await base.delete(id, force: force, allowMissing: allowMissing, expectedRevision: expectedRevision)
  }

  func list(_ query: SessionQuery) async throws(SessionError) -> SessionPage { try await base.list(query) }

  func search(_ text: String, limit: Int) async throws(SessionError) -> [Session] {
    try await base.search(text, limit: limit)
  }

  func events(
    _ position: EventPosition, _ filter: EventFilter, limit: Int
  ) async throws(SessionError) -> EventPage {
    try await base.events(position, filter, limit: limit)
  }

  func sequences() async throws(SessionError) -> (oldest: Int64, newest: Int64) { try await base.sequences() }

  func openSnapshot(_ filter: EventFilter) async throws(SessionError) -> any SessionSnapshot {
    try await base.openSnapshot(filter)
  }

  func close() async { await base.close() }
}
