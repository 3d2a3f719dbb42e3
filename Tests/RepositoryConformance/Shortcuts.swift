import SessionDomain
import Testing

extension SessionDraft {
  static func named(_ name: String, _ type: SessionType = .active) -> SessionDraft {
    SessionDraft(type: type, name: name, workspace: "/work")
  }

  func with(_ change: (inout SessionDraft) -> Void) -> SessionDraft {
    var copy = self
    change(&copy)
    return copy
  }
}

extension SessionChange {
  static func of(_ mask: String..., set: (inout SessionDraft) -> Void) -> SessionChange {
    SessionChange(values: SessionDraft(type: nil, name: "", workspace: "").with(set), mask: mask)
  }

  static func rename(_ name: String) -> SessionChange {
    of("name") { $0.name = name }
  }
}

extension SessionRepository {
  func create(
    _ name: String, _ type: SessionType = .active, set: (inout SessionDraft) -> Void = { _ in }
  ) async throws -> Session {
    try await create(SessionDraft.named(name, type).with(set), request: nil)
  }

  func move(_ id: SessionID, to statuses: SessionStatus..., reason: String = "") async throws {
    for status in statuses { _ = try await update(id, .move(to: status, reason: reason), expectedRevision: nil) }
  }

  /// Moves a new session the shortest way to a status.
  func bring(_ id: SessionID, to status: SessionStatus) async throws -> Session {
    let ways: [SessionStatus: [SessionStatus]] = [
      .initializing: [], .active: [.active], .idle: [.active, .idle], .completed: [.active, .completed],
      .error: [.error], .terminated: [.error, .terminated],
    ]
    for status in ways[status] ?? [] { try await move(id, to: status, reason: "on the way") }
    return try await session(id)
  }

  /// Creates a session in a status.
  func create(
    in status: SessionStatus, _ name: String = "a", under parent: SessionID? = nil,
    set: (inout SessionDraft) -> Void = { _ in }
  ) async throws -> Session {
    let session = try await create(name) { draft in
      draft.parentID = parent?.description ?? ""
      set(&draft)
    }
    return try await bring(session.id, to: status)
  }

  func history(after sequence: Int64 = 0) async throws -> [SessionEvent] {
    try await events(.after(sequence), EventFilter(), limit: 1000).events
  }
}

extension RepositoryFixture {
  /// Lets time pass on all clocks, and the repository look at them, which it does with any change.
  func pass(_ duration: Duration) async throws {
    clock.advance(by: duration)
    monotonicClock.advance(by: duration)
    _ = try await repository.delete(strangeID, force: false, allowMissing: true, expectedRevision: nil)
  }
}

/// The error that `body` throws; nil, and a failed test, when it throws none.
func refusal<Output>(
  _ body: () async throws -> Output, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> SessionError? {
  do {
    _ = try await body()
  } catch let error as SessionError {
    return error
  }
  Issue.record("nothing was refused", sourceLocation: sourceLocation)
  return nil
}

extension SessionError {
  var paths: [String] {
    if case .invalidArgument(let violations) = self { violations.map(\.path) } else { [] }
  }
}

/// An id that no repository here has.
let strangeID = SessionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
