import RPCCore
import SessionAPI
import SessionDomain

/// One WatchSessionHealth call: which sessions, and how well they were when that was sent last.
///
/// Looks again at sessions whose events say that they may be better or worse: those of the regular look, and moves to
/// another status, which count at once.
///
/// Its state is its task's, and while that waits for events, the leader's that looks at them for it; see `LaneSignal`.
/// Hence the unchecked conformance.
final class HealthWatch: EventFeed.Reader, @unchecked Sendable {
  private let repository: any SessionRepository & MetricsRepository
  private let feed: EventFeed
  private let filter: EventFilter
  private let responses: ResponseWriter<WatchSessionHealthResponse>
  // As of what was sent last, of those that are not healthy; most are.
  private var unwell: [SessionID: SessionDomain.HealthStatus] = [:]

  private static let pageSize = 256

  init(
    repository: any SessionRepository & MetricsRepository, feed: EventFeed, filter: EventFilter,
    responses: ResponseWriter<WatchSessionHealthResponse>, lane: UInt16
  ) {
    self.repository = repository
    self.feed = feed
    self.filter = filter
    self.responses = responses
    super.init(lane: lane)
  }

  /// Watches until the call is cancelled.
  /// - Throws: how it ends: CANCELLED, UNAVAILABLE.
  func run() async throws {
    try await withTaskCancellationHandler {
      // What happens from here on is looked at again, also what the first look saw already.
      position = feed.newest
      try await sendAll()
      try await followFeed()
    } onCancel: {
      feed.cancel(self)
    }
  }

  private func followFeed() async throws {
    while true {
      switch feed.read(after: position) {
      case .batches(let batches):
        for batch in batches {
          try await lookAgain(after: batch.events.filter { $0.sequence > position })
          position = batch.lastSequence
        }
      case .behind:
        let page = try await repository.events(.after(position), filter, limit: Self.pageSize)
        try await lookAgain(after: page.events)
        position = page.lastSequence
      case .upToDate(let generation): try await feed.wait(self, after: generation)
      case .ended: throw RPCError.shuttingDown
      }
    }
  }

  override func take(_ readings: inout EventFeed.Readings) -> Bool {
    while true {
      switch readings.read(after: position) {
      case .upToDate: return true
      case .behind, .ended: return false
      case .batches(let batches):
        for batch in batches {
          // A look at the store is for its own task.
          if batch.events.contains(where: { $0.sequence > position && concerns($0) }) {
            return false
          }
          position = batch.lastSequence
        }
      }
    }
  }

  private func sendAll() async throws {
    guard filter.sessionIDs.isEmpty else {
      var rest = filter.sessionIDs.sorted()[...]
      while !rest.isEmpty {
        for health in try await repository.look(at: Array(rest.prefix(Self.pageSize))) { try await send(health) }
        rest = rest.dropFirst(Self.pageSize)
      }
      return
    }
    var last: SessionID?
    while true {
      let page = try await repository.look(after: last, limit: Self.pageSize)
      guard let newest = page.last?.sessionID else { return }
      for health in page { try await send(health) }
      last = newest
    }
  }

  private func lookAgain(after events: [SessionDomain.SessionEvent]) async throws {
    var ids: [SessionID] = []
    // Whether it is new; each is looked at once for all that happened to it.
    var isNew: [SessionID: Bool] = [:]
    for event in events where concerns(event) {
      if event.kind == .deleted {
        unwell[event.sessionID] = nil
      } else {
        if isNew[event.sessionID] == nil { ids.append(event.sessionID) }
        isNew[event.sessionID] = isNew[event.sessionID] ?? false || event.kind == .created
      }
    }
    while !ids.isEmpty {
      // Those that are gone are left out.
      for health in try await repository.look(at: Array(ids.prefix(Self.pageSize))) {
        let id = health.sessionID
        if isNew[id] ?? false || health.status != unwell[id] ?? .healthy { try await send(health) }
      }
      ids.removeFirst(min(Self.pageSize, ids.count))
    }
  }

  /// Whether a session that is looked for may be better or worse since the event, or is no more.
  private func concerns(_ event: SessionDomain.SessionEvent) -> Bool {
    guard filter.matches(event) else { return false }
    return switch event.kind {
    case .created, .statusChanged, .healthChanged, .deleted: true
    case .updated, .error, .terminated, .registered, .deregistered, .migrated: false
    }
  }

  private func send(_ health: SessionDomain.SessionHealth) async throws {
    unwell[health.sessionID] = health.status == .healthy ? nil : health.status
    try await responses.send(.with { $0.health = .init(health) })
  }
}
