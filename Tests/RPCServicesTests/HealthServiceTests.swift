import RPCCore
import RPCInProcess
import RPCServices
import RPCTestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct HealthServiceTests {
  private let health = HealthService(services: ["test.Calls"])
  private var client: Grpc_Health_V1_HealthClient {
    Grpc_Health_V1_HealthClient(InProcessTransport(services: [health]))
  }

  private func status(_ service: String) async throws -> Grpc_Health_V1_HealthCheckResponse.ServingStatus {
    try await client.check(.with { $0.service = service }).status
  }

  @Test func theServerAndItsServicesServeFromTheStart() async throws {
    #expect(try await status("") == .serving)
    #expect(try await status("test.Calls") == .serving)
  }

  @Test func aServiceThatIsNotKnownIsNotFound() async throws {
    #expect(await rpcError { try await status("test.Nothing") }?.code == .notFound)
  }

  @Test func aServiceMayStopAndServeAgain() async throws {
    health.set("test.Calls", isServing: false)
    #expect(try await status("test.Calls") == .notServing)
    #expect(try await status("") == .serving)
    health.set("test.Calls", isServing: true)
    #expect(try await status("test.Calls") == .serving)
  }

  @Test func aListHasEveryService() async throws {
    health.set("test.Calls", isServing: false)
    let statuses = try await client.list(.init()).statuses.mapValues(\.status)
    #expect(statuses == ["": .serving, "test.Calls": .notServing])
  }

  @Test func aWatchTellsEveryChangeUntilTheEnd() async throws {
    let responses = try await client.watch(.with { $0.service = "test.Calls" })
    var watch = responses.makeAsyncIterator()
    #expect(try await watch.next()?.status == .serving)
    health.set("test.Calls", isServing: false)
    #expect(try await watch.next()?.status == .notServing)
    health.set("other", isServing: false)
    health.set("test.Calls", isServing: true)
    #expect(try await watch.next()?.status == .serving)
    health.shutDown()
    #expect(try await watch.next()?.status == .notServing)
    #expect(await rpcError { try await watch.next() }?.code == .unavailable)
  }

  @Test func aWatchOfAnUnknownServiceWaitsForIt() async throws {
    let responses = try await client.watch(.with { $0.service = "test.Later" })
    var watch = responses.makeAsyncIterator()
    #expect(try await watch.next()?.status == .serviceUnknown)
    health.set("test.Later", isServing: true)
    #expect(try await watch.next()?.status == .serving)
  }

  @Test func thereAreOnlySoManyWatches() async throws {
    let health = HealthService(services: [], watchesMax: 2)
    let client = Grpc_Health_V1_HealthClient(InProcessTransport(services: [health]))
    func watch() async throws -> Grpc_Health_V1_HealthCheckResponse.ServingStatus? {
      var responses = try await client.watch(.init()).makeAsyncIterator()
      return try await responses.next()?.status
    }
    let held = [try await client.watch(.init()), try await client.watch(.init())]
    var iterators = held.map { $0.makeAsyncIterator() }
    for index in iterators.indices { #expect(try await iterators[index].next()?.status == .serving) }
    #expect(await rpcError { try await watch() }?.code == .resourceExhausted)
    health.shutDown()
    for index in iterators.indices {
      #expect(try await iterators[index].next()?.status == .notServing)
      #expect(await rpcError { try await iterators[index].next() }?.code == .unavailable)
    }
    // Those that ended have made room.
    #expect(try await watch() == .notServing)
  }

  @Test func nothingServesAfterTheEnd() async throws {
    health.shutDown()
    health.set("test.Calls", isServing: true)
    #expect(try await status("test.Calls") == .notServing)
    #expect(try await status("") == .notServing)
  }
}
