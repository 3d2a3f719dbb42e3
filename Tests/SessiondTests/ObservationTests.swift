import AdminPort
import RPCCore
import Testing

@testable import sessiond

@Suite struct ObservationTests {
  @Test func beforeTheServerListensItLivesAndIsNotReady() throws {
    let observation = Observation()
    #expect(observation.answer("/healthz") == AdminAnswer(content: "alive\n"))
    #expect(observation.answer("/readyz") == AdminAnswer(status: 503, content: "starting\n"))
    #expect(observation.answer("/") == nil)
    let metrics = try #require(observation.answer("/metrics"))
    #expect(metrics.contentType == "text/plain; version=0.0.4; charset=utf-8")
    #expect(metrics.content.contains("\nsessiond_ready 0\n"))
    #expect(metrics.content.contains("\nsessiond_build_info{version=\"\(Sessiond.version)\",sqlite_version=\"3."))
    // It never served.
    observation.drains()
    #expect(observation.answer("/readyz")?.content == "starting\n")
  }

  @Test func callsAreToldByMethodAndTheUnknownTogether() throws {
    let interceptor = MetricsInterceptor(eventLoops: 1)
    let method = MethodDescriptor(service: "test.Calls", method: "Watch").ofKind(.serverStreaming)
    for (known, path) in [(method, "/test.Calls/Watch"), (nil, "/made.Up/One"), (nil, "/made.Up/Two")] {
      guard let metrics = interceptor.interceptor(for: known) as? any MessageInterceptor else { continue }
      let call = ServerContext(
        method: MethodDescriptor(path: path), peer: Peer(address: "test"),
        id: CallID(connection: CallID.Connection(), stream: 1))
      try metrics.begins(call)
      metrics.received(call)
      metrics.sent(2, call)
      let error = known == nil ? RPCError(.unimplemented, "no") : nil
      metrics.ended(CallSummary(call, duration: .milliseconds(3), error: error))
    }
    var exposition = Exposition()
    exposition.write(interceptor.figures)
    let labels = "grpc_type=\"server_stream\",grpc_service=\"test.Calls\",grpc_method=\"Watch\""
    for sample in [
      "grpc_server_started_total{\(labels)} 1", "grpc_server_handled_total{\(labels),grpc_code=\"OK\"} 1",
      "grpc_server_msg_received_total{\(labels)} 1", "grpc_server_msg_sent_total{\(labels)} 2",
      "grpc_server_handling_seconds_bucket{\(labels),le=\"0.0025\"} 0",
      "grpc_server_handling_seconds_bucket{\(labels),le=\"0.005\"} 1",
      "grpc_server_handling_seconds_sum{\(labels)} 0.003", "grpc_server_handling_seconds_count{\(labels)} 1",
    ] {
      #expect(exposition.text.contains("\n\(sample)\n"), "\(sample)")
    }
    #expect(!exposition.text.contains("made.Up"))
    let unknown = "grpc_type=\"unknown\",grpc_service=\"unknown\",grpc_method=\"unknown\",grpc_code=\"Unimplemented\""
    #expect(exposition.text.contains("\ngrpc_server_handled_total{\(unknown)} 1\n"))
  }

  @Test func theSystemsLineIsReadBehindTheProgramsName() {
    var figures = ProcessFigures()
    figures.read(
      stat: """
        17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9 0 6000 123456 10 18446744073709551615 1 1
        """, boot: "cpu 1 2\nbtime 1000\nprocesses 3\n")
    #expect(figures.processorSeconds == 2)
    #expect(figures.threads == 9)
    #expect(figures.startSeconds == 1060)
    #expect(figures.virtualBytes == 123456)
    #expect(figures.residentBytes == 10 * Double(4096))
  }

  @Test func whatTheSystemSaysOfThisProcessIsPlausible() throws {
    let figures = ProcessFigures.current
    #expect(try #require(figures.residentBytes) > 1_000_000)
    #expect(try #require(figures.openFiles) >= 3)
    #expect(try #require(figures.startSeconds) > 1_600_000_000)
    #expect(try #require(figures.processorSeconds) > 0)
  }
}
