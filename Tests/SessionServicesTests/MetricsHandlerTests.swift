import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices
@testable import SessionStore

extension ServiceFixture {
  fileprivate func createActive(_ name: String = "a") async throws -> String {
    let id = try await create(name).id
    try await update(id, "status") { $0.status = .active }
    return id
  }

  func report(_ reports: [ReportActivityRequest]) async throws -> ReportActivityResponse {
    try await metrics.reportActivity { writer in
      for report in reports { try await writer.send(report) }
    }
  }

  fileprivate func performance(_ id: String) async throws -> SessionAPI.PerformanceMetrics {
    try await metrics.getPerformanceMetrics(.with { $0.sessionID = id }).metrics ?? .init()
  }
}

extension ReportActivityRequest {
  static func of(
    _ id: String, tasks: Int64 = 0, failed: Int64 = 0, _ times: [Double] = [],
    set: (inout ReportActivityRequest) -> Void = { _ in }
  ) -> ReportActivityRequest {
    .with {
      $0.sessionID = id
      $0.tasksProcessed = tasks
      $0.tasksFailed = failed
      $0.responseTimesMs = times
      set(&$0)
    }
  }
}

/// MetricsService over a real store.
@Suite(.timeLimit(.minutes(5))) struct MetricsHandlerTests {
  @Test func everyTypeAndStatusIsThereByItsLowerCaseName() async throws {
    try await withServices { services in
      let empty = try await services.metrics.getSessionStats(.init()).stats
      #expect(empty?.byType == ["director": 0, "department": 0, "observer": 0, "active": 0])
      #expect(
        empty?.byStatus == [
          "initializing": 0, "active": 0, "idle": 0, "completed": 0, "error": 0, "terminated": 0,
        ])
      _ = try await services.createActive()
      services.clock.advance(by: .milliseconds(1234))
      let stats = try await services.metrics.getSessionStats(.init()).stats
      #expect(stats?.totalSessions == 1 && stats?.byType["active"] == 1 && stats?.byStatus["active"] == 1)
      #expect(stats?.averageUptimeMs == 1234 && stats?.sequence == 2)
    }
  }

  @Test func whatWasReportedIsToldAndInTheStoreWhenTheCallIsAnswered() async throws {
    try await withServices { services in
      let id = try await services.createActive()
      services.clock.advance(by: .seconds(5))
      let answer = try await services.report([
        .of(id, tasks: 2, failed: 1, [10, 20]) { $0.memoryUsageBytes = 7 },
        .of(id, tasks: 1, [30]) {
          $0.memoryUsageBytes = 5
          $0.cpuUsage = 0.5
        },
      ])
      #expect(answer.accepted == 2 && answer.rejected == [])
      let metrics = try await services.performance(id)
      #expect(metrics.sessionID == id && metrics.tasksProcessed == 3 && metrics.messagesProcessed == 0)
      #expect(metrics.averageResponseTimeMs == 20 && metrics.p50ResponseTimeMs == 20)
      #expect(metrics.p95ResponseTimeMs == 30 && metrics.p99ResponseTimeMs == 30)
      #expect(metrics.errorRate == 1.0 / 3 && (3.0 / 60...3.0 / 54).contains(metrics.throughput))
      #expect(metrics.memoryUsageBytes == 5 && metrics.cpuUsage == 0.5)
      #expect(metrics.window == .with { $0.seconds = 60 } && metrics.sampleTime != nil)
      let session = try await services.get(id)
      #expect(session.lastActivityTime?.seconds == (session.updateTime?.seconds ?? 0) + 5)
      #expect(try await services.metrics.getSessionStats(.init()).stats?.totalProcessedTasks == 3)
    }
  }

  @Test func theFileHasWhatIsAnswered() async throws {
    var path = ""
    try await withServices({ settings in
      settings.stopsTime = true
      path = settings.store.path
    }) { services in
      let id = try #require(SessionID(try await services.createActive()))
      #expect(try await services.report([.of("\(id)", tasks: 2)]).accepted == 1)
      // Whoever asks a service has all reports kept first.
      let file = try Database(path: path, access: .readOnly)
      #expect(try MetricsRow.find(id, in: file).processed.tasks == 2)
    }
  }

  @Test func whatIsRejectedHasItsPositionItsIdAndWhy() async throws {
    try await withServices { services in
      let id = try await services.createActive()
      let done = try await services.createActive("done")
      try await services.update(done, "status") { $0.status = .completed }
      let unknown = "01900000-0000-7000-8000-000000000001"
      let answer = try await services.report([
        .of(id, tasks: 1), .of(id, tasks: 1, failed: 2), .of(id, tasks: 2, [1]), .of(done), .of(unknown), .of("x"),
        .of(""), .of(id, tasks: 1),
      ])
      #expect(answer.accepted == 2)
      #expect(answer.rejected.map(\.index) == [1, 2, 3, 4, 5, 6])
      #expect(answer.rejected.map(\.sessionID) == [id, id, done, unknown, "x", ""])
      #expect(
        answer.rejected.map(\.error) == [
          "tasks_failed is 2, more than the 1 tasks that were processed",
          "response_times_ms has 1 entries for 2 tasks", "the session has finished: it is in COMPLETED",
          "no session has this id", "no session has this id", "the id of a session is required",
        ])
      #expect(try await services.performance(id).tasksProcessed == 2)
    }
  }

  @Test func aThousandRejectionsAreToldAndLongIdsInPart() async throws {
    try await withServices { services in
      let reports = Array(repeating: ReportActivityRequest.of(String(repeating: "x", count: 10_000)), count: 1100)
      let answer = try await services.report(reports)
      #expect(answer.accepted == 0 && answer.rejected.count == 1000 && answer.rejected.last?.index == 999)
      #expect(answer.rejected.first?.sessionID == String(repeating: "x", count: 128))
      // One character, of any length.
      let marks = "e" + String(repeating: "\u{301}", count: 100_000)
      let second = try await services.report([.of(marks)])
      #expect(second.rejected.first?.sessionID.unicodeScalars.count == 128)
    }
  }

  @Test func aReportThatTheServerIsTooBusyToLookIntoIsRejectedAndTheOthersCount() async throws {
    try await withServices({ $0.store.waitingReadsMax = 0 }) { services in
      let id = try await services.createActive()
      let unknown = "01900000-0000-7000-8000-000000000001"
      let answer = try await services.report([.of(id, tasks: 1), .of(unknown), .of(id, tasks: 1)])
      #expect(answer.accepted == 2)
      #expect(answer.rejected.map(\.error) == ["the server is too busy to tell why no session took it"])
      #expect(try await services.performance(id).tasksProcessed == 2)
    }
  }

  @Test func aReportIsActivityForWhoAsksWhileItsCallIsOpen() async throws {
    try await withServices({ $0.stopsTime = true }) { services in
      let id = try await services.createActive()
      let other = try await services.createActive("other")
      let otherID = try #require(SessionID(other))
      services.clock.advance(by: .seconds(5))
      let now = services.clock.now()
      _ = try await services.metrics.reportActivity { writer in
        for id in [id, other] { try await writer.send(.of(id)) }
        // Once the second is seen, all is done that there is to do for the first.
        while try await services.repository.session(otherID).lastActivityTime != now {}
        #expect(try await services.get(id).lastActivityTime == .init(now))
      }
    }
  }

  @Test func aCallWithoutReportsIsAnswered() async throws {
    try await withServices { (services) async throws in
      #expect(try await services.report([]) == ReportActivityResponse())
    }
  }

  @Test func aWatchSendsTheMetricsNowAndAgainEveryInterval() async throws {
    try await withServices({ $0.stopsTime = true }) { services in
      let id = try await services.createActive()
      let stream = try await services.metrics.watchPerformanceMetrics(
        .with {
          $0.sessionID = id
          $0.interval = .with { $0.nanos = 100_000_000 }
        })
      var iterator = stream.makeAsyncIterator()
      #expect(try await iterator.next()?.metrics?.tasksProcessed == 0)
      for number in 1...3 as ClosedRange<Int64> {
        await services.monotonicClock.waitForSleeper()
        _ = try await services.report([.of(id, tasks: 1)])
        services.monotonicClock.advance(by: .milliseconds(100))
        #expect(try await iterator.next()?.metrics?.tasksProcessed == number)
      }
      await services.monotonicClock.waitForSleeper()
      _ = try await services.sessions.deleteSession(
        .with {
          $0.sessionID = id
          $0.force = true
        })
      services.monotonicClock.advance(by: .milliseconds(100))
      let error = await rpcError { try await iterator.next() }
      #expect(error?.code == .notFound)
    }
  }

  @Test func aWatchWithoutAnIntervalHasTheServers() async throws {
    try await withServices({ settings in
      settings.stopsTime = true
      settings.store.metricsInterval = .milliseconds(300)
    }) { services in
      let id = try await services.createActive()
      var iterator = try await services.metrics.watchPerformanceMetrics(.with { $0.sessionID = id })
        .makeAsyncIterator()
      _ = try await iterator.next()
      for number in 1...3 as ClosedRange<Int64> {
        await services.monotonicClock.waitForSleeper()
        let before = services.clock.now()
        services.monotonicClock.advance(by: .milliseconds(299))
        services.clock.advance(by: .seconds(1))
        _ = try await services.report([.of(id, tasks: 1)])
        services.monotonicClock.advance(by: .milliseconds(1))
        let metrics = try await iterator.next()?.metrics
        // Had it been sent before, it would tell of an earlier time and of fewer tasks.
        #expect(metrics?.tasksProcessed == number && metrics?.sampleTime != .init(before))
      }
    }
  }

  @Test func theServersIntervalIsAtLeast100MillisecondsToo() async throws {
    try await withServices({ settings in
      settings.stopsTime = true
      settings.store.metricsInterval = .milliseconds(1)
    }) { services in
      let id = try await services.createActive()
      var iterator = try await services.metrics.watchPerformanceMetrics(.with { $0.sessionID = id })
        .makeAsyncIterator()
      _ = try await iterator.next()
      await services.monotonicClock.waitForSleeper()
      services.monotonicClock.advance(by: .milliseconds(99))
      await services.monotonicClock.waitForSleeper()
      _ = try await services.report([.of(id, tasks: 1)])
      services.monotonicClock.advance(by: .milliseconds(1))
      // Had it been sent before, it would tell of fewer tasks.
      #expect(try await iterator.next()?.metrics?.tasksProcessed == 1)
    }
  }

  @Test func aWatchDoesNotSendAgainWhatItMissed() async throws {
    try await withServices({ $0.stopsTime = true }) { services in
      let id = try await services.createActive()
      let stream = try await services.metrics.watchPerformanceMetrics(.with { $0.sessionID = id })
      async let count = stream.prefix { $0.metrics?.tasksProcessed == 0 }.reduce(0) { count, _ in count + 1 }
      await services.monotonicClock.waitForSleeper()
      // A hundred intervals.
      services.monotonicClock.advance(by: .seconds(1000))
      await services.monotonicClock.waitForSleeper()
      _ = try await services.report([.of(id, tasks: 1)])
      services.monotonicClock.advance(by: .seconds(10))
      // The first and that of now.
      #expect(try await count == 2)
    }
  }

  @Test func aWatchEndsWithTheServer() async throws {
    try await withServices { services in
      let id = try await services.createActive()
      var iterator = try await services.metrics.watchPerformanceMetrics(.with { $0.sessionID = id })
        .makeAsyncIterator()
      _ = try await iterator.next()
      services.changes.shutDown()
      let error = await rpcError { try await iterator.next() }
      #expect(error?.code == .unavailable)
    }
  }

  private static let wrongIntervals: [Google_Protobuf_Duration] = [
    .with { $0.nanos = 99_999_999 }, .init(), .with { $0.seconds = -1 },
    .with {
      $0.seconds = 1
      $0.nanos = -1
    }, .with { $0.seconds = 366 * 86_400 },
  ]

  @Test(arguments: wrongIntervals.indices) func anIntervalIsAtLeast100Milliseconds(index: Int) async throws {
    try await withServices { services in
      let paths = try await violations {
        for try await _ in try await services.metrics.watchPerformanceMetrics(
          .with { $0.interval = Self.wrongIntervals[index] })
        {}
      }
      #expect(paths == ["session_id", "interval"])
    }
  }

  @Test func whatIsNotThereIsNotFound() async throws {
    try await withServices { (services) async throws in
      let expected = Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": "nobody"])
      #expect(try await refusal { try await services.performance("nobody") } == expected)
      #expect(
        try await refusal {
          for try await _ in try await services.metrics.watchPerformanceMetrics(.with { $0.sessionID = "nobody" }) {}
        } == expected)
      #expect(try await violations { try await services.performance("") } == ["session_id"])
    }
  }

  @Test func switchedOffReportsAreTakenAndAllElseIsRefused() async throws {
    try await withServices({ $0.store.recordsMetrics = false }) { services in
      let id = try await services.createActive()
      #expect(try await services.report([.of(id, tasks: 1), .of("x")]).accepted == 1)
      let disabled = Refusal(code: .unimplemented, reason: "FEATURE_DISABLED", metadata: ["setting": "enableMetrics"])
      #expect(try await refusal { try await services.metrics.getSessionStats(.init()) } == disabled)
      #expect(try await refusal { try await services.performance(id) } == disabled)
      #expect(
        try await refusal {
          for try await _ in try await services.metrics.watchPerformanceMetrics(.with { $0.sessionID = id }) {}
        } == disabled)
    }
  }
}
