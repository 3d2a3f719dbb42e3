import Foundation

/// A server that runs while it is measured, on this machine's own address.
final class ServerProcess {
  private static let patience: TimeInterval = 15

  let port: UInt16
  let access: Access
  private let process: Process
  private let output: Pipe
  private let logFile: String?

  private init(_ process: Process, output: Pipe, port: UInt16, access: Access, logFile: String?) {
    self.process = process
    self.output = output
    self.port = port
    self.access = access
    self.logFile = logFile
  }

  /// Starts `sessiond` on a free port with one event loop, and a log at level info.
  static func sessiond(
    _ path: String, database: String, access: Access, settings: [String], logFile: String, processor: Int?
  ) throws -> ServerProcess {
    let output = Pipe()
    let process = try Program.start(
      [
        path, "--listen", "127.0.0.1:0", "--database-path", database, "--max-sessions", "10000000",
        // What is created is not used, which must not end it while it is measured.
        "--event-loops", "1", "--log-level", "info", "--session-timeout", "0",
      ] + access.settings + settings, processor: processor, output: output, logFile: logFile)
    // It says where it listens on its first line; without one, it has ended.
    var line = Data()
    while !line.contains(UInt8(ascii: "\n")), case let data = output.fileHandleForReading.availableData, !data.isEmpty {
      line += data
    }
    let match = String(decoding: line, as: UTF8.self).firstMatch(of: /listening on [0-9.]+:([0-9]+)/)
    guard let port = match.flatMap({ UInt16($0.1) }) else {
      throw BenchmarkFailure("\(path) did not start:\n\(try String(contentsOfFile: logFile, encoding: .utf8))")
    }
    return ServerProcess(process, output: output, port: port, access: access, logFile: logFile)
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
    return ServerProcess(process, output: output, port: port, access: Access(), logFile: nil)
  }

  /// Processor time of all threads so far, user and system, in microseconds (clock_getcpuclockid(3)).
  func cpuMicroseconds() throws -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(process.processIdentifier, &clock) == 0, clock_gettime(clock, &time) == 0 else {
      throw BenchmarkFailure("the server has ended")
    }
    return Double(time.tv_sec) * 1_000_000 + Double(time.tv_nsec) / 1000
  }

  /// Memory in use, in bytes.
  func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
    guard let match = text.firstMatch(of: /VmRSS:\s+([0-9]+) kB/), let kilobytes = Int(match.1) else {
      throw BenchmarkFailure("the server has ended")
    }
    return kilobytes * 1024
  }

  /// Ends the server: politely, and if that takes too long, at once. What it warned of while it ran is shown.
  func stop() {
    process.terminate()
    let deadline = Date(timeIntervalSinceNow: Self.patience)
    while process.isRunning, Date() < deadline { usleep(10_000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    // A log that cannot be read has nothing to show, which is no reason to lose the figures.
    let log = logFile.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? ""
    for line in log.split(separator: "\n") where !line.contains(" info ") {
      FileHandle.standardError.write(Data("\(line)\n".utf8))
    }
  }
}
