import RPCCore
import Testing

@Suite struct MetricsInterceptorTests {
  private let interceptor = MetricsInterceptor()
  private let method = MethodDescriptor(service: "test.Calls", method: "Unary")

  private func call(on lane: UInt16 = 0) -> ServerContext {
    ServerContext(
      method: method, start: .now, timeout: nil, caller: Caller(peer: Peer(address: "test")),
      id: CallID(connection: CallID.Connection(), stream: 1), lane: lane)
  }

  private func count(
    _ metrics: any CallInterceptor, _ duration: Duration, _ error: RPCError? = nil, on lane: UInt16 = 0
  ) throws {
    let call = call(on: lane)
    try metrics.begins(call)
    metrics.ended(CallSummary(call, duration: duration, error: error))
  }

  @Test func callsAreCountedByStatusAndDuration() throws {
    let metrics = try #require(interceptor.interceptor(for: method))
    try count(metrics, .microseconds(10))
    try count(metrics, .microseconds(11))
    try count(metrics, .seconds(11), RPCError(.notFound, "no"))
    let figures = try #require(interceptor.figures.first)
    #expect(figures.method == method && figures.started == 3)
    #expect(figures.handled == [.ok: 2, .notFound: 1])
    #expect(figures.durations.first == 1 && figures.durations[1] == 1 && figures.durations.last == 1)
    #expect(figures.durations.reduce(0, +) == 3)
    #expect(figures.duration == .seconds(11) + .microseconds(21))
  }

  @Test func eachMethodHasItsFigures() throws {
    let known = try #require(interceptor.interceptor(for: method))
    let unknown = try #require(interceptor.interceptor(for: nil))
    try count(unknown, .zero, RPCError(.unimplemented, "no"))
    try count(known, .zero)
    #expect(interceptor.figures.map(\.started) == [1, 1])
    #expect(interceptor.figures.map(\.handled) == [[.ok: 1], [.unimplemented: 1]])
  }

  @Test func messagesAreCountedEachWay() throws {
    let metrics = try #require(interceptor.interceptor(for: method))
    let interceptors = CallInterceptors([metrics])
    for _ in 0..<3 { interceptors.received(call()) }
    for count in [1, 4] { interceptors.sent(count, call()) }
    #expect(interceptor.figures.map(\.messagesReceived) == [3])
    #expect(interceptor.figures.map(\.messagesSent) == [5])
  }

  @Test func everyEventLoopCountsForItselfAndAllAreAddedUp() async throws {
    let interceptor = MetricsInterceptor(eventLoops: 4)
    let metrics = try #require(interceptor.interceptor(for: method))
    // 0 is any thread, and so is one that there are no counters for.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for lane in [0, 0, 1, 2, 3, 4, 5, 5] as [UInt16] {
        group.addTask { for _ in 0..<1000 { try count(metrics, .nanoseconds(1), on: lane) } }
      }
      try await group.waitForAll()
    }
    #expect(interceptor.figures.first?.started == 8000)
    #expect(interceptor.figures.first?.handled == [.ok: 8000])
    #expect(interceptor.figures.first?.durations.first == 8000)
    #expect(interceptor.figures.first?.duration == .microseconds(8))
  }

  @Test func callsOfManyThreadsAreAllCounted() async throws {
    let metrics = try #require(interceptor.interceptor(for: method))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask { for _ in 0..<1000 { try count(metrics, .nanoseconds(1)) } }
      }
      try await group.waitForAll()
    }
    #expect(interceptor.figures.first?.handled == [.ok: 8000])
    #expect(interceptor.figures.first?.duration == .microseconds(8))
  }
}
