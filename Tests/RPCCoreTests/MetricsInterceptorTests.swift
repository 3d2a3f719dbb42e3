import RPCCore
import Testing

@Suite struct MetricsInterceptorTests {
  private let interceptor = MetricsInterceptor()
  private let method = MethodDescriptor(service: "test.Calls", method: "Unary")

  private func count(_ metrics: any CallInterceptor, _ duration: Duration, _ error: RPCError? = nil) throws {
    let call = ServerContext(
      method: method, peer: Peer(address: "test"), id: CallID(connection: CallID.Connection(), stream: 1))
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
