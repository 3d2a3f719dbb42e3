import RPCCore
import RPCTestSupport
import SessionAPI
import Testing

@testable import SessionServices

extension ServiceFixture {
  fileprivate func createActive(_ name: String = "a") async throws -> String {
    let id = try await create(name) { $0.constraints = ["max-memory:100", "timeout:0"] }.id
    try await update(id, "status") { $0.status = .active }
    return id
  }

  fileprivate func check(_ id: String) async throws -> SessionHealth {
    try await health.checkSessionHealth(.with { $0.sessionID = id }).health ?? .init()
  }

  /// Has a session use so much memory of 100.
  fileprivate func use(_ id: String, _ memory: Int64) async throws {
    _ = try await report([.of(id) { $0.memoryUsageBytes = memory }])
  }

  /// Has all sessions be looked at.
  fileprivate func look() async throws {
    clock.advance(by: .seconds(30))
    monotonicClock.advance(by: .seconds(30))
    _ = try await sessions.deleteSession(
      .with {
        $0.sessionID = "01900000-0000-7000-8000-000000000001"
        $0.allowMissing = true
      })
  }

  fileprivate func watchHealth(_ ids: String...) async throws
    -> ResponseStream<WatchSessionHealthResponse>.AsyncIterator
  {
    try await health.watchSessionHealth(.with { $0.sessionIds = ids }).makeAsyncIterator()
  }
}

/// SessionHealthService over a real store.
@Suite(.timeLimit(.minutes(5))) struct SessionHealthHandlerTests {
  @Test func aCheckHasStatusDetailsAndReasons() async throws {
    try await withServices { services in
      let id = try await services.createActive()
      services.clock.advance(by: .milliseconds(1500))
      _ = try await services.report([
        .of(id, tasks: 10, failed: 1) {
          $0.memoryUsageBytes = 101
          $0.cpuUsage = 0.25
        }
      ])
      let health = try await services.check(id)
      #expect(health.sessionID == id && health.status == .unhealthy)
      #expect(
        health.reasons == [
          "error rate 0.1 is over 0.05 (1 of 10 failed)",
          "memory used over max-memory 1.01 is over 1 (101 of 100 bytes)",
        ])
      #expect(health.details?.uptimeMs == 1500 && health.details?.memoryUsageBytes == 101)
      #expect(health.details?.cpuUsage == 0.25 && health.details?.errorRate == 0.1)
      #expect(health.details?.messageQueue == 0 && health.details?.lastActivityTime == health.checkTime)
      let nobody = try await refusal { try await services.check("nobody") }
      #expect(nobody == Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": "nobody"]))
      #expect(try await violations { try await services.check("") } == ["session_id"])
    }
  }

  @Test func aLookMakesAnEventOfAChange() async throws {
    try await withServices({ $0.stopsTime = true }) { services in
      let id = try await services.createActive()
      var watch = try await services.watch { $0.kinds = [.healthChanged] }
      _ = try await watch.bookmark()
      try await services.use(id, 95)
      try await services.look()
      let event = try await watch.event()
      #expect(event?.sessionID == id && event?.oldHealth == "healthy" && event?.newHealth == "degraded")
    }
  }

  @Test func aWatchHasTheHealthNowAndOnEachChange() async throws {
    try await withServices({ $0.stopsTime = true }) { services in
      let id = try await services.createActive()
      let other = try await services.createActive("other")
      var watch = try await services.watchHealth(id)
      #expect(try await watch.next()?.health?.status == .healthy)
      try await services.use(other, 200)
      try await services.use(id, 95)
      try await services.look()
      let degraded = try await watch.next()?.health
      #expect(degraded?.sessionID == id && degraded?.status == .degraded && degraded?.details?.memoryUsageBytes == 95)
      // No change, no message.
      try await services.look()
      try await services.use(id, 300)
      try await services.look()
      #expect(try await watch.next()?.health?.status == .unhealthy)
      try await services.use(id, 1)
      try await services.look()
      #expect(try await watch.next()?.health?.status == .healthy)
    }
  }

  @Test func aWatchThatBeginsBetweenLooksMissesNoWayBack() async throws {
    try await withServices({ $0.stopsTime = true }) { services in
      let id = try await services.createActive()
      try await services.look()
      try await services.use(id, 95)
      for ids in [[id], []] {
        var watch = try await services.health.watchSessionHealth(.with { $0.sessionIds = ids }).makeAsyncIterator()
        // What no regular look has seen yet, and is over before the next one.
        #expect(try await watch.next()?.health?.status == .degraded)
        try await services.use(id, 1)
        try await services.look()
        #expect(try await watch.next()?.health?.status == .healthy)
        try await services.use(id, 95)
      }
    }
  }

  @Test func aMoveToErrorIsSeenAtOnce() async throws {
    try await withServices({ $0.store.enableHealthChecks = false }) { services in
      let id = try await services.createActive()
      var watch = try await services.watchHealth(id)
      #expect(try await watch.next()?.health?.status == .healthy)
      try await services.update(id, "status") { $0.status = .error }
      let health = try await watch.next()?.health
      #expect(health?.status == .unhealthy && health?.reasons == ["status is ERROR"])
    }
  }

  @Test func aWatchOfNoneIsOfAllAlsoOfThoseToCome() async throws {
    try await withServices { services in
      let ids = [try await services.createActive("first"), try await services.createActive("second")]
      try await services.use(ids[1], 200)
      var watch = try await services.watchHealth()
      let first = try await watch.next()?.health
      let second = try await watch.next()?.health
      #expect(first?.sessionID == ids[0] && first?.status == .healthy)
      #expect(second?.sessionID == ids[1] && second?.status == .unhealthy)
      let third = try await services.create("third").id
      #expect(try await watch.next()?.health?.sessionID == third)
    }
  }

  @Test func aWatchHasTheHealthOfEachHoweverManyTheyAre() async throws {
    try await withServices { services in
      var ids: [String] = []
      for number in 0..<300 { ids.append(try await services.create("s\(number)").id) }
      for asked in [ids, []] {
        var watch = try await services.health.watchSessionHealth(.with { $0.sessionIds = asked }).makeAsyncIterator()
        for id in ids.sorted() { #expect(try await watch.next()?.health?.sessionID == id) }
      }
    }
  }

  @Test func anIdThatIsNotThereMayCome() async throws {
    try await withServices { services in
      let id = try await services.createActive()
      var watch = try await services.watchHealth("nobody", "01900000-0000-7000-8000-000000000001", id)
      #expect(try await watch.next()?.health?.sessionID == id)
    }
  }

  @Test func aWatchEndsWithTheServer() async throws {
    try await withServices { services in
      let id = try await services.createActive()
      var watch = try await services.watchHealth(id)
      _ = try await watch.next()
      services.changes.shutDown()
      let error = await rpcError { try await watch.next() }
      #expect(error?.code == .unavailable)
    }
  }

  @Test func aWatchThatIsFarBehindReadsTheStore() async throws {
    try await withServices({ $0.eventsMax = 2 }) { services in
      let id = try await services.createActive()
      var watch = try await services.watchHealth(id)
      #expect(try await watch.next()?.health?.status == .healthy)
      // In one commit, so that the feed has forgotten all of it before anybody could read.
      for number in 0..<20 { try await services.create("s\(number)") }
      try await services.update(id, "status") { $0.status = .error }
      for number in 20..<40 { try await services.create("s\(number)") }
      #expect(try await watch.next()?.health?.status == .unhealthy)
    }
  }

  @Test func aWatchThatIsFarBehindMissesNobodyHoweverManyThereAre() async throws {
    try await withServices({ $0.eventsMax = 2 }) { services in
      let first = try await services.create("first").id
      var watch = try await services.watchHealth()
      #expect(try await watch.next()?.health?.sessionID == first)
      // Nobody reads meanwhile, so that the feed has forgotten most of it.
      var ids: [String] = []
      for number in 0..<600 { ids.append(try await services.create("s\(number)").id) }
      for id in ids { #expect(try await watch.next()?.health?.sessionID == id) }
    }
  }
}
