import Foundation

/// What a connection that does nothing takes of the server's memory.
///
/// As many connections as are measured are open already, and stay so: they pay for what the server needs once. Had they
/// closed, the measured ones would take the memory that they left, and cost a quarter of the truth.
struct IdleConnectionMemory {
  let run: Run
  let access: Access

  private var count: Int { run.options.idleConnections }

  func measure() throws {
    var (called, silent) = (Series(), Series())
    for round in 0..<run.options.rounds {
      called.add(try kibibytes(name: "called-\(round)", calling: true))
      silent.add(try kibibytes(name: "silent-\(round)", calling: false))
    }
    run.table.head("Idle connections, \(count) beside \(count)", ["server memory, KiB each"])
    run.table.row("after one GetSession", [Cell(called, digits: 1)], target: "at most 24")
    run.table.row("after the preface only", [Cell(silent, digits: 1)])
  }

  /// What each connection takes of a server that was started for them.
  private func kibibytes(name: String, calling: Bool) throws -> Double {
    let settings = ["--max-connections", "\(2 * count + Loopback.otherFiles)"]
    let server = try Sessiond(run, name: name, access: access, settings: settings)
    defer { server.stop() }
    try server.create(LoadShape(connections: 1, streams: 1), count: 1)
    let id = try server.stored.oldestIDs(1)[0]
    let get = try server.getSession(id)
    let reply = try get.checkedReply()

    func connect() throws -> [HTTP2Connection] {
      let deadline = ContinuousClock.now.advanced(by: .seconds(run.options.sampleSeconds))
      return try (0..<count).map { _ in
        guard ContinuousClock.now < deadline else { throw BenchmarkFailure("connections take too long to open") }
        let connection = try HTTP2Connection(port: server.process.port)
        if calling {
          let answer = try connection.firstCall(
            get.path, message: Requests.getSession(id), authorization: access.tokens?.bearer)
          guard answer == reply else { throw BenchmarkFailure("\(answer.count) bytes came for \(reply.count)") }
        }
        return connection
      }
    }
    let others = try connect()
    let before = try server.process.residentBytes()
    let measured = try connect()
    let after = try server.process.residentBytes()
    guard (others + measured).allSatisfy({ $0.isOpen() }) else {
      throw BenchmarkFailure("the server closed connections that were to be idle")
    }
    return Double(after - before) / Double(count) / 1024
  }
}
