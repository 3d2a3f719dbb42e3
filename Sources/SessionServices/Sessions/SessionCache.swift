import DequeModule
import RPCCore
import SessionAPI
import SessionDomain
import Synchronization

/// The answers of GetSession, encoded, for the sessions used most lately: bounded in bytes, and always as new as the
/// last commit.
///
/// Commits write through. A read that missed fills only if no commit touched the session since it began to read, so
/// that an old answer never replaces a newer one.
final class SessionCache: Sendable {
  typealias Answer = EncodedMessage<GetSessionResponse>

  // A class, so that a look-up copies nothing and writes nothing but the flag.
  private final class Entry {
    let answer: Answer
    // Second chance: passed over once by eviction when it was used since the last look.
    var wasUsed = false

    init(answer: Answer) { self.answer = answer }
  }

  private struct Shard {
    var entries: [SessionID: Entry] = [:]
    var order = Deque<SessionID>()
    var bytes = 0
    var fills: [SessionID: UInt64] = [:]
    var nextFill: UInt64 = 0
  }

  /// The right to fill one entry, until a commit touches its session.
  struct Fill {
    fileprivate let id: SessionID
    fileprivate let number: UInt64
  }

  // What an entry takes besides its answer's bytes, about.
  private static let entryBytes = 160

  private let shards: [ShardBox]
  private let shardBytesMax: Int

  private final class ShardBox: Sendable {
    let state = Mutex(Shard())
  }

  init(bytesMax: Int) {
    shards = (0..<16).map { _ in ShardBox() }
    shardBytesMax = bytesMax / 16
  }

  // The low bits of a UUIDv7 are random.
  private func shard(_ id: SessionID) -> ShardBox { shards[Int(truncatingIfNeeded: id.low & 15)] }

  /// The answer for a session, if it is here.
  subscript(id: SessionID) -> Answer? {
    shard(id).state.withLock { shard in
      guard let entry = shard.entries[id] else { return nil }
      entry.wasUsed = true
      return entry.answer
    }
  }

  /// Begins to read a session that is not here. To be followed by `fill`.
  func beginFill(_ id: SessionID) -> Fill {
    shard(id).state.withLock { shard in
      shard.nextFill += 1
      shard.fills[id] = shard.nextFill
      return Fill(id: id, number: shard.nextFill)
    }
  }

  /// Ends a fill, with what was read if anything was.
  func fill(_ fill: Fill, with answer: Answer?) {
    shard(fill.id).state.withLock { shard in
      guard shard.fills[fill.id] == fill.number else { return }
      shard.fills[fill.id] = nil
      if let answer { insert(answer, for: fill.id, into: &shard) }
    }
  }

  /// Follows a commit.
  func put(_ answer: Answer, for id: SessionID) {
    shard(id).state.withLock { shard in
      shard.fills[id] = nil
      insert(answer, for: id, into: &shard)
    }
  }

  /// Follows a commit that removed the session.
  func remove(_ id: SessionID) {
    shard(id).state.withLock { shard in
      shard.fills[id] = nil
      guard let entry = shard.entries.removeValue(forKey: id) else { return }
      shard.bytes -= size(entry)
      // Its place in the order goes when eviction comes by, which may be never, or when half of the places are empty.
      if shard.order.count > 2 * shard.entries.count + 8 {
        shard.order.removeAll { shard.entries[$0] == nil }
      }
    }
  }

  /// What all entries take, in bytes.
  var bytes: Int { shards.reduce(0) { sum, shard in sum + shard.state.withLock { $0.bytes } } }

  /// Places in the orders of eviction, of entries and of sessions that are gone.
  var placesCount: Int { shards.reduce(0) { sum, shard in sum + shard.state.withLock { $0.order.count } } }

  private func insert(_ answer: Answer, for id: SessionID, into shard: inout Shard) {
    let entry = Entry(answer: answer)
    if let old = shard.entries.updateValue(entry, forKey: id) {
      shard.bytes -= size(old)
    } else {
      shard.order.append(id)
    }
    shard.bytes += size(entry)
    while shard.bytes > shardBytesMax, let oldest = shard.order.popFirst() {
      guard let entry = shard.entries[oldest] else { continue }
      if entry.wasUsed {
        entry.wasUsed = false
        shard.order.append(oldest)
      } else {
        shard.entries[oldest] = nil
        shard.bytes -= size(entry)
      }
    }
  }

  private func size(_ entry: Entry) -> Int { entry.answer.frame.count + Self.entryBytes }
}
