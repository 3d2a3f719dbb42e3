import Foundation

/// A sessiond that ends with the benchmark.
final class ServerProcess {
  let port: Int
  private let process = Process()

  /// Starts it on a free port, and returns when it listens.
  init(_ program: String, database: String) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "setpriv", "--pdeathsig", "TERM", program, "--listen", "127.0.0.1:0", "--database-path", database,
      "--max-sessions", "1000000", "--event-loops", "1",
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    guard let port = line.firstMatch(of: /listening on 127\.0\.0\.1:([0-9]+)/).flatMap({ Int($0.1) }) else {
      process.terminate()
      throw BenchmarkFailure("\(program) does not listen: \(line)")
    }
    self.port = port
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }

  /// The processor time that it has used, user and system (proc(5), /proc/pid/stat).
  func cpuMicroseconds() throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
    // The name, in parentheses, may have spaces.
    let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else {
      throw BenchmarkFailure("the server has ended")
    }
    return (user + system) * 1_000_000 / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
