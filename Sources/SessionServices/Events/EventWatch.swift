import RPCCore
import SessionAPI
import SessionDomain

/// One WatchEvents call: a position, a filter, and where to send what lies between.
///
/// Its state is its task's, and while that waits for events, the leader's that hands it what comes; see `LaneSignal`.
/// Hence the unchecked conformance.
final class EventWatch: EventFeed.Reader, @unchecked Sendable {
  private let repository: any SessionRepository
  private let feed: EventFeed
  private let filter: EventFilter
  @exclusivity(unchecked) private var scope: ObserverScope?
  private let responses: ResponseWriter<WatchEventsResponse>
  private let now: @Sendable () -> ContinuousClock.Instant
  // Whether no event needs to be looked at.
  private let takesAll: Bool
  @exclusivity(unchecked) private var lastSent: ContinuousClock.Instant
  // What was sent last filled the stream: a leader that sends does not wait for it, so that its own task must.
  @exclusivity(unchecked) private var isFull = false

  // A stream on which nothing was sent for so long gets a bookmark.
  private static let quietMax = Duration.seconds(10)
  private static let pageSize = 256

  init(
    repository: any SessionRepository, feed: EventFeed, filter: EventFilter, scope: ObserverScope?,
    responses: ResponseWriter<WatchEventsResponse>, lane: UInt16,
    now: @escaping @Sendable () -> ContinuousClock.Instant
  ) {
    self.repository = repository
    self.feed = feed
    self.filter = filter
    self.scope = scope
    takesAll = filter == EventFilter() && scope == nil
    self.responses = responses
    self.now = now
    lastSent = now()
    super.init(lane: lane)
  }

  /// Watches until the call is cancelled.
  /// - Throws: how it ends: CANCELLED, UNAVAILABLE, OUT_OF_RANGE, NOT_FOUND for a deleted observer.
  func run(from start: WatchStart) async throws {
    feed.join(self)
    defer { feed.leave(self) }
    try await withTaskCancellationHandler {
      try await begin(from: start)
      try await followFeed()
    } onCancel: {
      feed.cancel(self)
    }
  }

  private func begin(from start: WatchStart) async throws {
    switch start {
    case .now: position = feed.newest
    case .after(let sequence):
      _ = try await repository.events(.after(sequence), EventFilter(), limit: 1)
      position = sequence
    case .oldest: position = try await repository.sequences().oldest - 1
    case .snapshot: return try await sendSnapshot()
    }
    // The observer's targets may have changed since they were read; from the position on, events tell.
    try await reloadScope()
    try await sendBookmark()
  }

  private func followFeed() async throws {
    while true {
      if isFull { try await waitForRoom() }
      if isQuiet { try await sendBookmark() }
      switch feed.read(after: position) {
      case .batches(let batches): try await send(batches)
      case .behind: try await sendFromTable()
      case .upToDate(let generation): try await feed.wait(self, after: generation)
      case .ended: throw RPCError.shuttingDown
      }
    }
  }

  private var isQuiet: Bool { lastSent.duration(to: now()) >= Self.quietMax }

  override func take(_ readings: inout EventFeed.Readings) -> Bool {
    while true {
      switch readings.read(after: position) {
      case .upToDate: return !isQuiet
      case .behind, .ended: return false
      case .batches(let batches):
        // What an observer gets may need a look at the store.
        guard scope == nil else { return false }
        for batch in batches {
          // Its own task waits for room, and hears why a call is over.
          do { try sendNow(batch) } catch { return false }
          if isFull { return false }
        }
      }
    }
  }

  private func send(_ batches: [EventFeed.Batch]) async throws {
    for batch in batches {
      if scope == nil {
        try sendNow(batch)
        while isFull {
          try await waitForRoom()
          try sendNow(batch)
        }
      } else {
        // What comes next may change which events are looked for.
        for index in rest(of: batch) { try await send(index, of: batch) }
        position = max(position, batch.lastSequence)
      }
    }
  }

  /// Sends what matches of the rest of a batch until the stream is full, which may have taken the last of it.
  private func sendNow(_ batch: EventFeed.Batch) throws {
    var rest = rest(of: batch)
    var hasSent = false
    while !isFull, var run = takeRun(of: &rest, in: batch.events) {
      isFull = try !responses.sendNow(batch.encoded, &run)
      position = batch.firstSequence + Int64(run.lowerBound) - 1
      hasSent = true
    }
    if hasSent { lastSent = now() }
    if !isFull { position = max(position, batch.lastSequence) }
  }

  private func waitForRoom() async throws {
    try await responses.waitForRoom()
    isFull = false
  }

  /// Those of its events that come after the position.
  private func rest(of batch: EventFeed.Batch) -> Range<Int> {
    Int(max(0, position + 1 - batch.firstSequence))..<batch.events.count
  }

  /// Takes out of `rest` the next events in a row that match, and what is before them.
  private func takeRun(of rest: inout Range<Int>, in events: [SessionDomain.SessionEvent]) -> Range<Int>? {
    if takesAll {
      defer { rest = rest.upperBound..<rest.upperBound }
      return rest.isEmpty ? nil : rest
    }
    guard let first = rest.first(where: { filter.matches(events[$0]) }) else { return nil }
    let end = rest[first...].first { !filter.matches(events[$0]) } ?? rest.upperBound
    rest = end..<rest.upperBound
    return first..<end
  }

  private func send(_ index: Int, of batch: EventFeed.Batch) async throws {
    let event = batch.events[index]
    if matches(event) {
      try await responses.send(batch.encoded, index..<(index + 1))
      lastSent = now()
    }
    position = event.sequence
    try await heed(event)
  }

  private func sendFromTable() async throws {
    // The observer's own events say when its targets change, whatever the filter.
    let page = try await repository.events(
      .after(position), scope == nil ? filter : EventFilter(), limit: Self.pageSize)
    for event in page.events {
      if matches(event) {
        lastSent = now()
        try await responses.send(.with { $0.item = .event(.init(event)) })
      }
      position = event.sequence
      try await heed(event)
    }
    position = page.lastSequence
  }

  private func sendSnapshot() async throws {
    let snapshot = try await repository.openSnapshot(filter)
    do {
      try await reloadScope()
      while let sessions = try await snapshot.next() {
        for session in sessions where scope?.covers(session.id, name: session.name) ?? true {
          try await responses.send(.with { $0.item = .session(.init(session)) })
        }
      }
    } catch {
      await snapshot.close()
      throw error
    }
    await snapshot.close()
    position = snapshot.sequence
    let sequence = position
    lastSent = now()
    try await responses.send(.with { $0.item = .snapshotComplete(.with { $0.sequence = sequence }) })
  }

  private func sendBookmark() async throws {
    let sequence = position
    lastSent = now()
    try await responses.send(.with { $0.item = .bookmark(.with { $0.sequence = sequence }) })
  }

  private func matches(_ event: SessionDomain.SessionEvent) -> Bool {
    filter.matches(event) && (scope?.covers(event.sessionID, name: event.sessionName) ?? true)
  }

  // An observer's list is read live, and its end ends the watch.
  private func heed(_ event: SessionDomain.SessionEvent) async throws {
    guard let scope, event.sessionID == scope.observer else { return }
    switch event.kind {
    case .deleted: throw RPCError.sessionNotFound(scope.observer.description)
    case .updated: try await reloadScope()
    case .created, .statusChanged, .error, .terminated, .registered, .deregistered, .migrated, .healthChanged: break
    }
  }

  private func reloadScope() async throws {
    guard var scope else { return }
    try await scope.reload()
    self.scope = scope
  }
}
