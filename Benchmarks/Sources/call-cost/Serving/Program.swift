import Foundation

/// Something that keeps the benchmark from measuring: a missing program, a wrong answer, a limit that was reached.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Runs other programs, each on one processor, so that the load and the server do not share one.
enum Program {
  static let searchPath = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"

  /// Has the thread that `main` runs on stay on one processor.
  static func pin(processor: Int) throws {
    _ = try output(of: ["taskset", "--pid", "--cpu-list", "\(processor)", "\(getpid())"], seconds: 10, processor: nil)
  }

  /// The programs among `names` that are not to be found.
  static func missing(_ names: [String]) -> [String] {
    let folders = searchPath.split(separator: ":")
    return names.filter { name in
      !folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
  }

  /// Starts a program that ends with this one. Its process id is the program's own. Its standard error goes to
  /// `logFile`, or where this program's goes.
  static func start(_ command: [String], processor: Int?, output: Pipe, logFile: String? = nil) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let pinning = processor.map { ["taskset", "--cpu-list", "\($0)"] } ?? []
    process.arguments = ["setpriv", "--pdeathsig", "TERM"] + pinning + command
    process.environment = ProcessInfo.processInfo.environment.merging(["PATH": searchPath]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    if let logFile {
      try Data().write(to: URL(fileURLWithPath: logFile))
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: logFile))
    }
    try process.run()
    return process
  }

  /// Runs a program to its end, which must come within `seconds`, and gives what it printed.
  static func output(of command: [String], seconds: Int, processor: Int?) throws -> Data {
    let pipe = Pipe()
    let process = try start(["timeout", "\(seconds)"] + command, processor: processor, output: pipe)
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let target = command.last ?? ""
    // What timeout(1) ends with when it had to end the program.
    guard process.terminationStatus != 124 else {
      throw BenchmarkFailure("\(command[0]) to \(target) took longer than \(seconds) s")
    }
    guard process.terminationStatus == 0 else {
      throw BenchmarkFailure("\(command[0]) to \(target) ended with code \(process.terminationStatus)")
    }
    return output
  }
}
