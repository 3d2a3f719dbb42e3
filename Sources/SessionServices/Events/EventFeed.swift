import DequeModule
import RPCCore
import SessionAPI
import SessionDomain
import Synchronization

/// The newest events in memory, encoded once for all who watch. Those who are further behind read the table.
///
/// A reader has a position and nothing else here: a slow one neither holds anything nor slows anybody.
final class EventFeed: Sendable {
  /// The events of one commit and their bytes, shared by all readers. Apart from each other, since most readers only
  /// need the bytes.
  final class Batch: Sendable {
    let events: [SessionDomain.SessionEvent]
    let encoded: EncodedMessages<WatchEventsResponse>
    let firstSequence: Int64

    init(
      _ events: [SessionDomain.SessionEvent], _ encoded: [EncodedMessage<WatchEventsResponse>], firstSequence: Int64
    ) {
      self.events = events
      self.encoded = EncodedMessages(encoded)
      self.firstSequence = firstSequence
    }

    var bytes: Int { encoded.frames.bytesCount }

    var lastSequence: Int64 { firstSequence + Int64(events.count) - 1 }
  }

  /// One of those who read, and where it is.
  class Reader: LaneWaiter, @unchecked Sendable {
    // Its own to change; others read it for the figures.
    private let sequence = Atomic<Int64>(Reader.nowhere)
    // It does not know yet where to begin.
    private static let nowhere: Int64 = -1

    /// Everything up to here was sent to it, or is not for it. Negative before it has begun.
    final var position: Int64 {
      get { sequence.load(ordering: .relaxed) }
      set { sequence.store(newValue, ordering: .relaxed) }
    }

    fileprivate final var hasBegun: Bool { position != Self.nowhere }

    /// Takes what came, by the hand of another reader of its lane. False when that is for its own task, which then
    /// wakes.
    func take(_ readings: inout Readings) -> Bool { false }
  }

  /// What a leader reads for others; those at the same place share it. It may be older than the newest commit, which is
  /// for the next leader.
  struct Readings {
    private let feed: EventFeed
    private var known: [(position: Int64, reading: Reading)] = []
    // Most readers are at one place, where something came, and then at the next, where nothing is; a few lag behind
    // them by a commit.
    private static let knownMax = 4

    fileprivate init(of feed: EventFeed) { self.feed = feed }

    mutating func read(after position: Int64) -> Reading {
      if let one = known.first(where: { $0.position == position }) { return one.reading }
      let reading = feed.read(after: position)
      if known.count == Self.knownMax { known.removeAll(keepingCapacity: true) }
      known.append((position, reading))
      return reading
    }
  }

  /// What comes after a position.
  enum Reading {
    /// Events, the first of which may be at or before the position.
    case batches([Batch])
    /// Older events come first, and are only in the table.
    case behind
    /// Nothing yet; wait for a generation after this one.
    case upToDate(generation: UInt64)
    /// No more will come.
    case ended
  }

  private struct State {
    var batches = Deque<Batch>()
    var eventsCount = 0
    var bytes = 0
    var newest: Int64 = 0
    var isShutDown = false

    mutating func append(_ batch: Batch) {
      batches.append(batch)
      eventsCount += batch.events.count
      bytes += batch.bytes
    }

    mutating func forgetOldest() {
      guard let oldest = batches.popFirst() else { return }
      eventsCount -= oldest.events.count
      bytes -= oldest.bytes
    }

    mutating func forgetAll() {
      batches = []
      eventsCount = 0
      bytes = 0
    }
  }

  // What one reading takes at most, at least one batch, so that no reader holds much that the feed forgets meanwhile.
  private static let batchesMax = 64
  private static let readBytesMax = 256 << 10

  private let eventsMax: Int
  private let bytesMax: Int
  private let state = Mutex(State())
  private let changed = LaneSignal<Reader>()
  private let readers = Mutex<[ObjectIdentifier: Reader]>([:])

  init(eventsMax: Int, bytesMax: Int = 64 << 20) {
    self.eventsMax = eventsMax
    self.bytesMax = bytesMax
  }

  /// The sequence of the newest event.
  var newest: Int64 { state.withLock { $0.newest } }

  /// Ends every wait, so that its reader can look at the time.
  func tick() { changed.notify() }

  func shutDown() {
    state.withLock { $0.isShutDown = true }
    changed.notify()
  }

  func append(_ commit: Commit) {
    guard let first = commit.events.first?.sequence else {
      // The repository's first word: where its history stands.
      return state.withLock { if $0.batches.isEmpty { $0.newest = commit.sequence } }
    }
    // An event that cannot be encoded cannot come from valid names and reasons; its readers go to the table.
    let encoded = commit.events.compactMap { event in
      try? EncodedMessage<WatchEventsResponse>(.with { $0.item = .event(.init(event)) })
    }
    let batch = encoded.count == commit.events.count ? Batch(commit.events, encoded, firstSequence: first) : nil
    state.withLock { state in
      state.newest = commit.sequence
      guard let batch else { return state.forgetAll() }
      state.append(batch)
      while state.eventsCount > eventsMax || state.bytes > bytesMax, !state.batches.isEmpty { state.forgetOldest() }
    }
    changed.notify()
  }

  func read(after position: Int64) -> Reading {
    // Before the look: a change after it ends the wait.
    let generation = changed.generation
    return state.withLock { state in
      if state.isShutDown { return .ended }
      if position >= state.newest { return .upToDate(generation: generation) }
      guard let first = state.batches.first, first.firstSequence <= position + 1 else { return .behind }
      let index = firstBatch(after: position, in: state.batches)
      var batches: [Batch] = []
      var bytes = 0
      for batch in state.batches[index...].prefix(Self.batchesMax) {
        batches.append(batch)
        bytes += batch.bytes
        if bytes >= Self.readBytesMax { break }
      }
      return .batches(batches)
    }
  }

  /// Counts a reader from now on.
  func join(_ reader: Reader) { readers.withLock { $0[ObjectIdentifier(reader)] = reader } }

  /// Counts it no longer.
  func leave(_ reader: Reader) { readers.withLock { $0[ObjectIdentifier(reader)] = nil } }

  /// Who reads, and how far behind.
  var figures: FeedFigures {
    let (newest, oldestHeld) = state.withLock { ($0.newest, $0.batches.first?.firstSequence ?? $0.newest + 1) }
    var figures = FeedFigures()
    for reader in readers.withLock({ Array($0.values) }) {
      figures.watchers += 1
      guard reader.hasBegun else { continue }
      let position = reader.position
      let lag = max(0, newest - position)
      figures.lagMax = max(figures.lagMax, lag)
      figures.lagSum += lag
      if lag > 0, position + 1 < oldestHeld { figures.behindMemory += 1 }
    }
    return figures
  }

  /// Returns when there may be more for `reader`, or the feed ticked; while it waits, other readers of its lane may hand
  /// it what comes.
  /// - Throws: `CancellationError` after `cancel`.
  func wait(_ reader: Reader, after generation: UInt64) async throws {
    var readings = Readings(of: self)
    try await changed.wait(reader, after: generation) { $0.take(&readings) }
  }

  /// Ends the reader's wait, and every later one at once.
  func cancel(_ reader: Reader) { changed.cancel(reader) }

  private func firstBatch(after position: Int64, in batches: Deque<Batch>) -> Int {
    var low = 0
    var high = batches.count
    while low < high {
      let middle = (low + high) / 2
      if batches[middle].lastSequence <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Who watches events, and how many events have committed that they did not get yet.
public struct FeedFigures: Sendable, Hashable {
  /// Calls of WatchEvents.
  public var watchers = 0
  /// How far the one behind the most is behind, in events.
  public var lagMax: Int64 = 0
  /// How far all of them together are.
  public var lagSum: Int64 = 0
  /// Those for whom the next event is in the table only.
  public var behindMemory = 0
}
