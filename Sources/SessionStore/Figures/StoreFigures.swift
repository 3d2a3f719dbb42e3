public import SessionDomain

/// What a store holds and does, in numbers. Taking them waits for nobody: those of the committer are as of its last
/// batch, whatever it is at now.
public struct StoreFigures: Sendable {
  /// Sessions, events, messages and commits, as of the last batch.
  public let commits: CommitFigures
  /// Changes that wait for the committer.
  public let changesWaiting: Int
  /// The threads that read.
  public let reading: ReadingFigures
  /// Bytes of the database file.
  public let fileBytes: Int64
  /// Bytes of the write-ahead log beside it; 0 where there is none.
  public let logBytes: Int64
  /// Bytes that SQLite has allocated, for all connections, the pages they cache among them.
  public let memoryBytes: Int64
}

/// What the committer knew at its last batch.
public struct CommitFigures: Sendable {
  /// Sessions of each type, zero or not.
  public var byType: [SessionType: Int64] = [:]
  /// Sessions in each status, zero or not.
  public var byStatus: [SessionStatus: Int64] = [:]
  /// The newest event's sequence.
  public var sequence: Int64 = 0
  /// The sequence of the oldest event that is kept.
  public var oldestSequence: Int64 = 0
  /// Messages that are not acknowledged yet.
  public var messages = 0
  /// Those of them that are in delivery.
  public var messagesInDelivery = 0
  /// Messages that could not be delivered.
  public var deadLetters: Int64 = 0
  /// How many sessions the regular looks at health have come to.
  public var lookedAt = 0
  /// Changes of each batch that was written.
  public var batchSizes = Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256])
  /// How long each took from its beginning until it was on the disk, in seconds.
  public var commitSeconds = Histogram(
    bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
  /// Batches that could not be written.
  public var failures: UInt64 = 0
  /// Whether the last that was to be written was one of them.
  public var isFailing = false
  /// The writing connection's pages.
  public var pages = PageFigures()
}

/// What threads that read do.
public struct ReadingFigures: Sendable {
  /// How many there are.
  public let threads: Int
  /// How many of them read right now.
  public let busy: Int
  /// How many reads wait for one of them.
  public let waiting: Int
  /// Reads that were done.
  public let reads: Int64
  /// The pages of all of them.
  public let pages: PageFigures
}

/// How often a connection's page cache had what was needed (sqlite3_db_status).
public struct PageFigures: Sendable, Hashable {
  /// Pages that were in the cache.
  public var hits: Int64 = 0
  /// Pages that had to be read from the file.
  public var misses: Int64 = 0
  /// Pages that were written to the file.
  public var writes: Int64 = 0

  static func + (left: Self, right: Self) -> Self {
    PageFigures(
      hits: left.hits + right.hits, misses: left.misses + right.misses, writes: left.writes + right.writes)
  }
}

/// How many values lie within which bounds.
public struct Histogram: Sendable, Hashable {
  /// The bounds, ascending; each takes what is equal to it.
  public let bounds: [Double]
  /// How many values are within each bound and beyond the one before it; then those that are beyond all.
  public private(set) var counts: [UInt64]
  /// The sum of all values.
  public private(set) var sum: Double = 0

  init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  mutating func add(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }
}
