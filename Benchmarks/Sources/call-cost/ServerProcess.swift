import Foundation

/// A server that runs while it is measured.
final class ServerProcess {
  private static let patience: TimeInterval = 15

  let address: String
  private let process: Process
  private let output: Pipe

  private init(_ process: Process, output: Pipe, address: String) {
    self.process = process
    self.output = output
    self.address = address
  }

  /// Starts `sessiond` on a free port with one event loop.
  static func sessiond(_ path: String, database: String, processor: Int?) throws -> ServerProcess {
    let output = Pipe()
    let process = try Program.start(
      [
        path, "--listen", "127.0.0.1:0", "--database-path", database, "--max-sessions", "10000000",
        "--event-loops", "1", "--log-level", "warning",
      ], processor: processor, output: output)
    // It says where it listens on its first line; without one, it has ended.
    var line = Data()
    while !line.contains(UInt8(ascii: "\n")), case let data = output.fileHandleForReading.availableData, !data.isEmpty {
      line += data
    }
    guard let match = String(decoding: line, as: UTF8.self).firstMatch(of: /listening on ([0-9.]+:[0-9]+)/) else {
      throw BenchmarkFailure("\(path) did not start")
    }
    return ServerProcess(process, output: output, address: String(match.1))
  }

  /// Starts `nghttpd` with one worker, serving a folder without TLS.
  static func nghttpd(folder: String, processor: Int?) throws -> ServerProcess {
    let port = try Loopback.freePort()
    let output = Pipe()
    let process = try Program.start(
      ["nghttpd", "--no-tls", "--workers=1", "--address=127.0.0.1", "--htdocs=\(folder)", "\(port)"],
      processor: processor, output: output)
    let deadline = Date(timeIntervalSinceNow: patience)
    while !Loopback.accepts(port: port) {
      guard process.isRunning, Date() < deadline else { throw BenchmarkFailure("nghttpd did not start") }
      usleep(10_000)
    }
    return ServerProcess(process, output: output, address: "127.0.0.1:\(port)")
  }

  /// Processor time of all threads so far, user and system, in microseconds; it moves in ticks of 10 ms.
  func cpuMicroseconds() throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
    // The name, in brackets, may hold anything; utime and stime are the 12th and 13th field after it (proc(5)).
    let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
      throw BenchmarkFailure("the server has ended")
    }
    return (user + system) * 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Memory in use, in bytes.
  func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
    guard let match = text.firstMatch(of: /VmRSS:\s+([0-9]+) kB/), let kilobytes = Int(match.1) else {
      throw BenchmarkFailure("the server has ended")
    }
    return kilobytes * 1024
  }

  /// Ends the server: politely, and if that takes too long, at once.
  func stop() {
    process.terminate()
    let deadline = Date(timeIntervalSinceNow: Self.patience)
    while process.isRunning, Date() < deadline { usleep(10_000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }
}
