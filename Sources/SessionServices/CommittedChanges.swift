import RPCCore
import SessionAPI
public import SessionDomain

/// What the server keeps in memory of its commits, encoded once: the newest events for watchers, and sessions for
/// GetSession. The repository tells it of each commit before the callers are answered, so that what a caller reads
/// is never older than what it was told.
public final class CommittedChanges: CommitObserver {
  let cache: SessionCache
  let feed: EventFeed
  private let ended = ChangeSignal()

  /// Keeps at most `sessionBytesMax` bytes of sessions, and `eventsMax` events in at most 64 MiB.
  public init(sessionBytesMax: Int = 64 << 20, eventsMax: Int = 65_536) {
    cache = SessionCache(bytesMax: sessionBytesMax)
    feed = EventFeed(eventsMax: eventsMax)
  }

  /// Follows a commit.
  public func committed(_ commit: Commit) {
    for session in commit.sessions {
      // A session that cannot be encoded was not let in; it would be read from the file.
      if let answer = try? SessionCache.Answer(.with({ $0.session = .init(session) })) {
        cache.put(answer, for: session.id)
      } else {
        cache.remove(session.id)
      }
    }
    for id in commit.deleted { cache.remove(id) }
    // They may be active many times before somebody asks for one.
    for id in commit.active { cache.remove(id) }
    feed.append(commit)
  }

  /// Notes that a session was active without any commit: it is read anew by who asks for it next.
  func noteActivity(of id: SessionID) { cache.remove(id) }

  /// Lets watchers see whether it is time for a bookmark. To be called every second or so.
  public func tick() { feed.tick() }

  /// Who watches events, and how far behind.
  public var figures: FeedFigures { feed.figures }

  /// Ends all watches with UNAVAILABLE.
  public func shutDown() {
    feed.shutDown()
    ended.notify()
  }

  /// Returns at `deadline`.
  /// - Throws: UNAVAILABLE when the server ends before, `CancellationError` when the task is cancelled.
  func sleep(until deadline: ContinuousClock.Instant, _ clock: any MonotonicClock) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await clock.sleep(until: deadline, tolerance: nil) }
      group.addTask { [ended] in
        try await ended.wait(after: 0)
        throw RPCError.shuttingDown
      }
      defer { group.cancelAll() }
      _ = try await group.next()
    }
  }
}
