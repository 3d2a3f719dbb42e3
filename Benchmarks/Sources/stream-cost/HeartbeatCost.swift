import Foundation

/// What heartbeats cost: many streams that stay open, with the reports of ten sessions each.
struct HeartbeatCost {
  static let sessionsPerStream = 10

  let run: Run
  let servers: [WatchedServer]

  func measure() throws {
    let streams = run.options.sessions / Self.sessionsPerStream
    run.table.head("ReportActivity, \(run.options.sessions) sessions", ["server CPU us/report", "reports/s of CPU"])
    let costs = try run.rounds(servers) { try sample($0) }
    for (server, cost) in zip(servers, costs) {
      run.table.row(
        "\(streams) streams\(server.name)", [Cell(cost, digits: 2), Cell(1_000_000 / cost, digits: 0)],
        target: "at least 150,000")
    }
    run.table.ratios(of: costs)
  }

  private func sample(_ server: WatchedServer) throws -> Double {
    let groups = stride(from: 0, to: server.ids.count, by: Self.sessionsPerStream).map {
      Array(server.ids[$0..<($0 + Self.sessionsPerStream)])
    }
    let turns = max(1, run.options.reports / server.ids.count)
    let before = try tasks(server)
    let cpu = try server.cpuMicroseconds {
      let reporters = try groups.map { try Reporter(server, ids: $0, turns: turns) }
      var rest = reporters
      while !rest.isEmpty {
        var isStuck = true
        for reporter in rest where try reporter.goOn() { isStuck = false }
        rest.removeAll { $0.isDone }
        if isStuck, !rest.isEmpty { _ = try LoopbackSocket.readable(rest.map(\.polled)) }
      }
    }
    let counted = try tasks(server) - before
    guard counted == turns * server.ids.count else {
      throw BenchmarkFailure("\(counted) tasks were counted of \(turns * server.ids.count)")
    }
    return cpu / Double(counted)
  }

  /// The tasks of all sessions, as the server counts them: field 5 of the statistics.
  private func tasks(_ server: WatchedServer) throws -> Int {
    let reply = try server.reply("MetricsService/GetSessionStats", request: Requests.nothing)
    return try reply.withUnsafeBytes { bytes in
      var rest = bytes[5...]
      guard rest.popFirst() == 0x0a, rest.popVarint() != nil else { throw BenchmarkFailure("no statistics came") }
      while let tag = rest.popVarint() {
        if tag == 5 << 3 { return Int(rest.popVarint() ?? 0) }
        guard let value = rest.popVarint() else { break }
        if tag & 7 == 2 { rest = rest.dropFirst(Int(value)) }
      }
      return 0
    }
  }
}

/// One stream of reports, on a connection of its own.
private final class Reporter {
  private let connection: Connection
  private let count: Int
  // A report of each session: what one write sends, without waiting for others.
  private let reports: [UInt8]
  private var turnsLeft: Int
  private var window: Int
  private var messages = Messages()
  private var accepted: Int64?
  private(set) var isDone = false

  init(_ server: WatchedServer, ids: [String], turns: Int) throws {
    connection = try Connection(port: server.process.port)
    count = ids.count * turns
    reports = ids.flatMap { HTTP2.frame(.data, stream: 1, Array(Requests.report(of: $0))) }
    turnsLeft = turns
    window = connection.streamWindow
    try connection.socket.write(
      Connection.call(WatchedServer.path("MetricsService/ReportActivity"), stream: 1, server.process.access))
  }

  var polled: pollfd { connection.socket.polled }

  /// Sends a report of each session, if the server takes that many bytes now; whether it did.
  func goOn() throws -> Bool {
    try connection.receive { frame in
      switch frame.kind {
      case .windowUpdate: window += frame.payload.reduce(0) { $0 << 8 | Int($1) }
      case .data:
        try messages.take(frame.payload) { message in
          // Nothing may follow: field 2 is a report that was not accepted.
          guard let number = message.firstVarint(field: 1), message.count <= 6 else {
            throw BenchmarkFailure("reports were not accepted")
          }
          accepted = number
        }
      case .headers: isDone = frame.flags & HTTP2.endStream != 0
      case .settings, .resetStream, .goAway, nil: break
      }
    }
    if isDone, accepted != Int64(count) {
      throw BenchmarkFailure("\(accepted ?? 0) of \(count) reports were accepted")
    }
    guard turnsLeft > 0, !isDone, window >= reports.count, connection.window >= reports.count else { return false }
    turnsLeft -= 1
    window -= reports.count
    connection.sent(reports.count)
    let end = turnsLeft == 0 ? HTTP2.frame(.data, flags: HTTP2.endStream, stream: 1) : []
    try connection.socket.write(reports + end)
    return true
  }
}
