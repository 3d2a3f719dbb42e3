import RPCCore
import SessionAPI
import SessionDomain
import RPCTestSupport
import Testing

@testable import SessionServices

@Suite(.timeLimit(.minutes(5))) struct SessionCacheTests {
  private func answer(_ revision: Int64, name: String = "") throws -> SessionCache.Answer {
    try SessionCache.Answer(
      .with {
        $0.session = .with {
          $0.name = name
          $0.revision = revision
        }
      })
  }

  private func revision(_ cache: SessionCache, _ id: SessionID) throws -> Int64? {
    guard let answer = cache[id] else { return nil }
    return try answer.frame.withPayload { try GetSessionResponse(decoding: $0) }.session?.revision
  }

  private func miss(_ cache: SessionCache, _ id: SessionID) throws -> SessionCache.Fill {
    guard cache[id] == nil else { throw Unexpected() }
    return cache.beginFill(id)
  }

  private struct Unexpected: Error {}

  private let id = SessionID(high: 1, low: 16)

  @Test func aFillIsFound() throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    cache.fill(try miss(cache, id), with: try answer(1))
    #expect(try revision(cache, id) == 1)
  }

  @Test func aCommitDuringAReadWins() throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    let fill = try miss(cache, id)
    cache.put(try answer(2), for: id)
    cache.fill(fill, with: try answer(1))
    #expect(try revision(cache, id) == 2)
  }

  @Test func aDeletionDuringAReadWins() throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    let fill = try miss(cache, id)
    cache.remove(id)
    cache.fill(fill, with: try answer(1))
    #expect(try revision(cache, id) == nil)
  }

  @Test func aReadThatBeganLaterFillsInsteadOfAnEarlierOne() throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    let early = try miss(cache, id)
    let late = try miss(cache, id)
    cache.fill(late, with: try answer(2))
    cache.fill(early, with: try answer(1))
    #expect(try revision(cache, id) == 2)
  }

  @Test func aReadThatFoundNothingFillsNothing() throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    cache.fill(try miss(cache, id), with: nil)
    cache.fill(try miss(cache, id), with: try answer(1))
    #expect(try revision(cache, id) == 1)
  }

  @Test func theBoundHoldsAndTheUsedStayLongest() throws {
    let entryBytes = 160 + (try answer(1, name: String(repeating: "n", count: 800))).frame.count
    // Room for ten in a shard; all ids here are of one.
    let cache = SessionCache(bytesMax: 16 * 10 * entryBytes)
    let ids = (0..<40).map { SessionID(high: 1, low: UInt64($0) * 16) }
    for id in ids {
      cache.put(try answer(1, name: String(repeating: "n", count: 800)), for: id)
      // The first is used all the time.
      #expect(try revision(cache, ids[0]) == 1)
      #expect(cache.bytes <= 10 * entryBytes)
    }
    let kept = try ids.filter { try revision(cache, $0) != nil }
    #expect(kept.count == 10)
    #expect(kept.last == ids.last)
  }

  @Test func anAnswerLargerThanTheBoundIsNotKept() throws {
    let cache = SessionCache(bytesMax: 16 * 1000)
    cache.put(try answer(1, name: String(repeating: "n", count: 2000)), for: id)
    #expect(try revision(cache, id) == nil)
    #expect(cache.bytes == 0)
  }

  @Test func whatIsRemovedLeavesNothingBehind() throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    let kept = SessionID(high: 1, low: 0)
    cache.put(try answer(7), for: kept)
    for number in 1...10_000 {
      let id = SessionID(high: 1, low: UInt64(number) * 16)
      cache.put(try answer(1), for: id)
      cache.remove(id)
    }
    #expect(try revision(cache, kept) == 7)
    #expect(cache.bytes == 160 + (try answer(7)).frame.count)
    #expect(cache.placesCount < 200)
  }

  @Test func readersAndCommitsAtOnceNeverLeaveAnOldAnswer() async throws {
    let cache = SessionCache(bytesMax: 1 << 20)
    let stored = Observed(Int64(0))
    let told = Observed(Int64(0))
    let id = id
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<5000 {
            let before = told.value
            if let answer = cache[id] {
              let response = try answer.frame.withPayload { try GetSessionResponse(decoding: $0) }
              #expect(response.session?.revision ?? 0 >= before)
            } else {
              let fill = cache.beginFill(id)
              cache.fill(fill, with: try answer(stored.value))
            }
          }
        }
      }
      group.addTask {
        for revision in Int64(1)...5000 {
          stored.update { $0 = revision }
          if revision.isMultiple(of: 3) { cache.remove(id) } else { cache.put(try answer(revision), for: id) }
          told.update { $0 = revision }
        }
      }
      try await group.waitForAll()
    }
  }
}
