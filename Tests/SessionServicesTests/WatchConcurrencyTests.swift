import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

/// Watches beside commits: no gap, no repeat, whether events come from the table or from memory.
@Suite(.timeLimit(.minutes(5))) struct WatchConcurrencyTests {
  /// Creates sessions from several tasks at once.
  private func createMany(_ services: ServiceFixture, _ count: Int, tasks: Int = 4) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<tasks {
        group.addTask {
          for number in 0..<count / tasks { try await services.create("\(task)-\(number)") }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test(arguments: [1, 8, 64, 65_536], [false, true])
  func watchersThatStartAnywhereSeeEveryEventOnce(eventsMax: Int, isOnSocket: Bool) async throws {
    let count = 400
    try await withServices({ ($0.eventsMax, $0.isOnSocket) = (eventsMax, isOnSocket) }) { services in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await createMany(services, count) }
        for _ in 0..<4 {
          group.addTask {
            var watch = try await services.watch { $0.fromOldest = true }
            #expect(try await watch.bookmark() == 0)
            #expect(try await watch.sequences(upTo: Int64(count)) == Array(1...Int64(count)))
          }
          group.addTask {
            // Starts now, drops its stream after some, and resumes.
            var watch = try await services.watch()
            var position = try #require(try await watch.bookmark())
            while position < count {
              var resumed = try await services.watch {
                // 0 would mean now.
                if position == 0 { $0.fromOldest = true } else { $0.afterSequence = position }
              }
              #expect(try await resumed.bookmark() == position)
              for _ in 0..<50 where position < count {
                #expect(try await resumed.event()?.sequence == position + 1)
                position += 1
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test(arguments: [false, true])
  func aWatcherThatDoesNotReadHoldsUpNobody(isOnSocket: Bool) async throws {
    try await withServices({ ($0.eventsMax, $0.isOnSocket) = (16, isOnSocket) }) { services in
      var slow = try await services.watch()
      #expect(try await slow.bookmark() == 0)
      var quick = try await services.watch()
      #expect(try await quick.bookmark() == 0)
      try await createMany(services, 300)
      #expect(try await quick.sequences(upTo: 300) == Array(1...300))
      #expect(try await slow.sequences(upTo: 300) == Array(1...300))
    }
  }

  @Test func aSnapshotAndTheEventsAfterItJoinWithoutGapOrRepeat() async throws {
    let count = 300
    try await withServices({ $0.eventsMax = 32 }) { services in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await createMany(services, count) }
        for _ in 0..<6 {
          group.addTask {
            var watch = try await services.watch { $0.includeSnapshot = true }
            let (sessions, sequence) = try await watch.snapshot()
            // Each create is one event: the snapshot holds exactly those up to its sequence.
            #expect(Set(sessions.map(\.revision)) == Set(sequence == 0 ? [] : Array(1...sequence)))
            #expect(sessions.count == Int(sequence))
            if sequence < count {
              #expect(try await watch.sequences(upTo: Int64(count)) == Array(sequence + 1...Int64(count)))
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func whatIsReadIsNeverOlderThanWhatWasTold() async throws {
    // A small cache, so that reads race with evictions and commits.
    try await withServices({ $0.sessionBytesMax = 16 * 600 }) { services in
      var created: [String] = []
      for number in 0..<40 { created.append(try await services.create("\(number)").id) }
      let ids = created
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, id) in ids.enumerated() {
          group.addTask {
            for round in 0..<20 {
              let updated = try await services.update(id, "name") { $0.name = "\(index)-\(round)" }
              let read = try await services.get(id)
              #expect(read == updated)
              // Somebody else's, whatever its state, reads without error.
              _ = try await services.get(ids[(index + round) % ids.count])
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }
}
