import RPCCore
import SessionAPI
import SessionDomain

/// One WatchSessionHealth call: which sessions, and how well they were when that was sent last.
///
/// Looks again at sessions whose events say that they may be better or worse: those of the regular look, and moves to
/// another status, which count at once.
struct HealthWatch {
  private let repository: any SessionRepository & MetricsRepository
  private let feed: EventFeed
  private let filter: EventFilter
  private let responses: ResponseWriter<WatchSessionHealthResponse>
  private var position: Int64 = 0
  // As of what was sent last, of those that are not healthy; most are.
  private var unwell: [SessionID: SessionDomain.HealthStatus] = [:]

  private static let pageSize = 256

  init(
    repository: any SessionRepository & MetricsRepository, feed: EventFeed, filter: EventFilter,
    responses: ResponseWriter<WatchSessionHealthResponse>
  ) {
    self.repository = repository
    self.feed = feed
    self.filter = filter
    self.responses = responses
  }

  /// Watches until the call is cancelled.
  /// - Throws: how it ends: CANCELLED, UNAVAILABLE.
  mutating func run() async throws {
    // What happens from here on is looked at again, also what the first look saw already.
    position = feed.newest
    try await sendAll()
    while true {
      switch feed.read(after: position) {
      case .batches(let batches):
        for batch in batches {
          for event in batch.events where event.sequence > position {
            position = event.sequence
            try await follow(event)
          }
        }
      case .behind:
        let page = try await repository.events(.after(position), filter, limit: Self.pageSize)
        for event in page.events { try await follow(event) }
        position = page.lastSequence
      case .upToDate(let generation): try await feed.wait(after: generation)
      case .ended: throw RPCError.shuttingDown
      }
    }
  }

  private mutating func sendAll() async throws {
    guard filter.sessionIDs.isEmpty else {
      for id in filter.sessionIDs.sorted() {
        if let health = try await look(at: id) { try await send(health) }
      }
      return
    }
    var last: SessionID?
    while true {
      let page = try await repository.healths(after: last, limit: Self.pageSize)
      guard let newest = page.last?.sessionID else { return }
      for health in page { try await send(health) }
      last = newest
    }
  }

  private mutating func follow(_ event: SessionDomain.SessionEvent) async throws {
    guard filter.matches(event) else { return }
    switch event.kind {
    case .created:
      if let health = try await look(at: event.sessionID) { try await send(health) }
    case .statusChanged, .healthChanged:
      guard let health = try await look(at: event.sessionID),
        health.status != unwell[event.sessionID] ?? .healthy
      else { return }
      try await send(health)
    case .deleted: unwell[event.sessionID] = nil
    case .updated, .error, .terminated, .registered, .deregistered, .migrated: break
    }
  }

  /// How well a session is; nil when it is not there, be it gone or yet to come.
  private func look(at id: SessionID) async throws -> SessionDomain.SessionHealth? {
    do throws(SessionError) {
      return try await repository.health(of: id)
    } catch .notFound {
      return nil
    }
  }

  private mutating func send(_ health: SessionDomain.SessionHealth) async throws {
    unwell[health.sessionID] = health.status == .healthy ? nil : health.status
    try await responses.send(.with { $0.health = .init(health) })
  }
}
