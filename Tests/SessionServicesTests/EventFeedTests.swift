import RPCTestSupport
import SessionDomain
import Synchronization
import Testing

@testable import SessionServices

@Suite(.timeLimit(.minutes(5))) struct EventFeedTests {
  private func commit(_ sequences: ClosedRange<Int64>) -> Commit {
    let events = sequences.map { sequence in
      SessionEvent(
        sequence: sequence, time: Timestamp(microseconds: 0), kind: .updated,
        sessionID: SessionID(high: 1, low: UInt64(sequence)), sessionType: .active, sessionName: "name",
        newStatus: .active)
    }
    return Commit(events: events, sessions: [], deleted: [], sequence: sequences.upperBound, oldestSequence: 1)
  }

  private func opening(_ sequence: Int64) -> Commit {
    Commit(events: [], sessions: [], deleted: [], sequence: sequence, oldestSequence: 1)
  }

  private enum Summary: Equatable {
    case events([Int64])
    case behind, upToDate, ended
  }

  private func read(_ feed: EventFeed, after position: Int64) -> Summary {
    switch feed.read(after: position) {
    case .batches(let batches):
      .events(batches.flatMap(\.events).map(\.sequence).filter { $0 > position })
    case .behind: .behind
    case .upToDate: .upToDate
    case .ended: .ended
    }
  }

  @Test func everyPositionReadsWhatComesAfterIt() {
    let feed = EventFeed(eventsMax: 100)
    feed.append(opening(3))
    for range: ClosedRange<Int64> in [4...4, 5...8, 9...9, 10...12] { feed.append(commit(range)) }
    for position in Int64(0)...2 { #expect(read(feed, after: position) == .behind) }
    for position in Int64(3)...11 { #expect(read(feed, after: position) == .events(Array(position + 1...12))) }
    #expect(read(feed, after: 12) == .upToDate)
    #expect(feed.newest == 12)
  }

  @Test func aStoreThatHasHistoryStartsAtItsEnd() {
    let feed = EventFeed(eventsMax: 100)
    feed.append(opening(50))
    #expect(feed.newest == 50)
    #expect(read(feed, after: 50) == .upToDate)
    #expect(read(feed, after: 49) == .behind)
  }

  @Test func oldEventsLeaveInWholeCommits() {
    let feed = EventFeed(eventsMax: 10)
    feed.append(opening(0))
    for first in stride(from: Int64(1), through: 40, by: 4) { feed.append(commit(first...first + 3)) }
    // Two commits of four fit.
    #expect(read(feed, after: 31) == .behind)
    #expect(read(feed, after: 32) == .events(Array(33...40)))
  }

  @Test func aCommitLargerThanTheMemoryIsReadFromTheTable() {
    let feed = EventFeed(eventsMax: 10)
    feed.append(opening(0))
    feed.append(commit(1...20))
    #expect(read(feed, after: 0) == .behind)
    #expect(read(feed, after: 20) == .upToDate)
    feed.append(commit(21...21))
    #expect(read(feed, after: 20) == .events([21]))
  }

  @Test func oneReadingIsBounded() {
    let feed = EventFeed(eventsMax: 1000)
    feed.append(opening(0))
    for sequence in Int64(1)...500 { feed.append(commit(sequence...sequence)) }
    guard case .events(let sequences) = read(feed, after: 0) else {
      Issue.record("nothing was read")
      return
    }
    #expect(sequences == Array(1...Int64(sequences.count)))
    #expect(sequences.count < 500)
  }

  @Test func aCommitWithoutEventsChangesNothing() {
    let feed = EventFeed(eventsMax: 100)
    feed.append(opening(0))
    feed.append(commit(1...3))
    feed.append(opening(3))
    #expect(read(feed, after: 0) == .events([1, 2, 3]))
  }

  @Test func theEndIsForEveryPosition() {
    let feed = EventFeed(eventsMax: 100)
    feed.append(opening(0))
    feed.append(commit(1...1))
    feed.shutDown()
    #expect(read(feed, after: 0) == .ended)
    #expect(read(feed, after: 1) == .ended)
  }

  @Test func aWaitEndsWithTheNextCommitTickOrEnd() async throws {
    let feed = EventFeed(eventsMax: 100)
    let acts: [@Sendable () -> Void] = [
      { feed.append(self.commit(1...1)) }, { feed.tick() }, { feed.shutDown() },
    ]
    for (index, act) in acts.enumerated() {
      guard case .upToDate(let generation) = feed.read(after: Int64(min(index, 1))) else {
        Issue.record("expected to be up to date")
        return
      }
      let wait = Task { try await feed.wait(EventFeed.Reader(lane: 0), after: generation) }
      act()
      try await wait.value
    }
  }

  @Test func readersBesideCommitsMissNothing() async throws {
    let feed = EventFeed(eventsMax: 50)
    feed.append(opening(0))
    let last: Int64 = 5000
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          let reader = EventFeed.Reader(lane: 0)
          var position: Int64 = 0
          while position < last {
            switch feed.read(after: position) {
            case .batches(let batches):
              for item in batches.flatMap(\.events) where item.sequence > position {
                #expect(item.sequence == position + 1)
                position = item.sequence
              }
            // As if from the table, which is never behind memory.
            case .behind: position += 1
            case .upToDate(let generation): try await feed.wait(reader, after: generation)
            case .ended: return
            }
          }
        }
      }
      group.addTask {
        var next: Int64 = 1
        while next <= last {
          let end = min(last, next + next % 7)
          feed.append(commit(next...end))
          next = end + 1
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func readersAreCountedWithHowFarTheyAreBehind() {
    let feed = EventFeed(eventsMax: 2)
    feed.append(opening(0))
    for sequence in Int64(1)...5 { feed.append(commit(sequence...sequence)) }
    #expect(feed.figures == FeedFigures())
    let readers = (0..<4).map { _ in EventFeed.Reader(lane: 0) }
    for reader in readers { feed.join(reader) }
    // One has yet to find where to begin.
    for (reader, position) in zip(readers, [5, 3, 1] as [Int64]) { reader.position = position }
    #expect(feed.figures == FeedFigures(watchers: 4, lagMax: 4, lagSum: 6, behindMemory: 1))
    feed.leave(readers[2])
    #expect(feed.figures == FeedFigures(watchers: 3, lagMax: 2, lagSum: 2, behindMemory: 0))
    for reader in readers { feed.leave(reader) }
    #expect(feed.figures == FeedFigures())
  }
}
