import RPCCore
import SessionAPI
import SessionDomain

/// One WatchEvents call: a position, a filter, and where to send what lies between.
struct EventWatch {
  private let repository: any SessionRepository
  private let feed: EventFeed
  private let filter: EventFilter
  private var scope: ObserverScope?
  private let responses: ResponseWriter<WatchEventsResponse>
  private let now: @Sendable () -> ContinuousClock.Instant
  // Whether no event needs to be looked at.
  private let takesAll: Bool
  // Everything up to here that matches has been sent.
  private var position: Int64 = 0 {
    didSet { reader.note(position) }
  }
  private let reader = EventFeed.Reader()
  private var lastSent: ContinuousClock.Instant

  // A stream on which nothing was sent for so long gets a bookmark.
  private static let quietMax = Duration.seconds(10)
  private static let pageSize = 256

  init(
    repository: any SessionRepository, feed: EventFeed, filter: EventFilter, scope: ObserverScope?,
    responses: ResponseWriter<WatchEventsResponse>, now: @escaping @Sendable () -> ContinuousClock.Instant
  ) {
    self.repository = repository
    self.feed = feed
    self.filter = filter
    self.scope = scope
    takesAll = filter == EventFilter() && scope == nil
    self.responses = responses
    self.now = now
    lastSent = now()
  }

  /// Watches until the call is cancelled.
  /// - Throws: how it ends: CANCELLED, UNAVAILABLE, OUT_OF_RANGE, NOT_FOUND for a deleted observer.
  mutating func run(from start: WatchStart) async throws {
    feed.join(reader)
    defer { feed.leave(reader) }
    switch start {
    case .now: position = feed.newest
    case .after(let sequence):
      _ = try await repository.events(.after(sequence), EventFilter(), limit: 1)
      position = sequence
    case .oldest: position = try await repository.sequences().oldest - 1
    case .snapshot: try await sendSnapshot()
    }
    let hasSnapshot = if case .snapshot = start { true } else { false }
    if !hasSnapshot {
      // The observer's targets may have changed since they were read; from the position on, events tell.
      try await scope?.reload()
      try await sendBookmark()
    }
    while true {
      if lastSent.duration(to: now()) >= Self.quietMax { try await sendBookmark() }
      switch feed.read(after: position) {
      case .batches(let batches): try await send(batches)
      case .behind: try await sendFromTable()
      case .upToDate(let generation): try await feed.wait(after: generation)
      case .ended: throw RPCError.shuttingDown
      }
    }
  }

  private mutating func send(_ batches: [EventFeed.Batch]) async throws {
    for batch in batches {
      var rest = Int(max(0, position + 1 - batch.firstSequence))..<batch.events.count
      if scope == nil {
        var hasSent = false
        while let run = takeRun(of: &rest, in: batch.events) {
          hasSent = true
          try await responses.send(batch.encoded, run)
        }
        if hasSent { lastSent = now() }
      } else {
        // What comes next may change which events are looked for.
        for index in rest { try await follow(index, of: batch) }
      }
      position = max(position, batch.lastSequence)
    }
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

  private mutating func follow(_ index: Int, of batch: EventFeed.Batch) async throws {
    let event = batch.events[index]
    if matches(event) {
      try await responses.send(batch.encoded, index..<(index + 1))
      lastSent = now()
    }
    position = event.sequence
    try await follow(event)
  }

  private mutating func sendFromTable() async throws {
    // The observer's own events say when its targets change, whatever the filter.
    let page = try await repository.events(
      .after(position), scope == nil ? filter : EventFilter(), limit: Self.pageSize)
    for event in page.events {
      if matches(event) {
        lastSent = now()
        try await responses.send(.with { $0.item = .event(.init(event)) })
      }
      position = event.sequence
      try await follow(event)
    }
    position = page.lastSequence
  }

  private mutating func sendSnapshot() async throws {
    let snapshot = try await repository.openSnapshot(filter)
    do {
      try await scope?.reload()
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

  private mutating func sendBookmark() async throws {
    let sequence = position
    lastSent = now()
    try await responses.send(.with { $0.item = .bookmark(.with { $0.sequence = sequence }) })
  }

  private func matches(_ event: SessionDomain.SessionEvent) -> Bool {
    filter.matches(event) && (scope?.covers(event.sessionID, name: event.sessionName) ?? true)
  }

  // An observer's list is read live, and its end ends the watch.
  private mutating func follow(_ event: SessionDomain.SessionEvent) async throws {
    guard var scope, event.sessionID == scope.observer else { return }
    switch event.kind {
    case .deleted: throw RPCError.sessionNotFound(scope.observer.description)
    case .updated:
      try await scope.reload()
      self.scope = scope
    case .created, .statusChanged, .error, .terminated, .registered, .deregistered, .migrated, .healthChanged: break
    }
  }
}
