import Foundation
import Synchronization

/// Runs protoc, with the plugin that was built beside these tests.
enum Protoc {
  struct Result {
    let status: Int32
    let output: Data
    let errors: String
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let protos = tests.appendingPathComponent("Protos")
  static let plugin = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("protoc-gen-swift-rpc")

  // Foundation's processes are not to be started on several threads at once: that fails now and then with EINTR, or
  // reads memory that is gone.
  private static let starting = Mutex<Void>(())

  static func run(_ arguments: [String], input: Data = Data()) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["protoc"] + arguments
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
    try starting.withLock { _ in try process.run() }
    try stdin.fileHandleForWriting.write(contentsOf: input)
    try stdin.fileHandleForWriting.close()
    let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
    let errors = try stderr.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: output, errors: String(decoding: errors, as: UTF8.self))
  }

  /// The bytes of a message of everything.proto or keywords.proto, given as text.
  static func encode(_ text: String, as message: String) throws -> [UInt8] {
    let result = try convert("--encode=\(message)", Data(text.utf8))
    return [UInt8](result)
  }

  /// The text of a message of everything.proto or keywords.proto, given as bytes.
  static func decode(_ bytes: [UInt8], as message: String) throws -> String {
    String(decoding: try convert("--decode=\(message)", Data(bytes)), as: UTF8.self)
  }

  private static func convert(_ option: String, _ input: Data) throws -> Data {
    let files = ["golden/everything.proto", "golden/keywords.proto"]
    let result = try run(["-I", protos.path, option] + files, input: input)
    guard result.status == 0 else { throw Failure(description: result.errors) }
    return result.output
  }
}

/// A folder that is there as long as `body` runs.
func withTemporaryFolder<Value>(_ body: (URL) throws -> Value) throws -> Value {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  // A folder left behind is the operating system's to clean.
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// What the plugin makes of one proto file with `source`.
func generate(_ source: String, options: String = "") throws -> (files: [String: String], result: Protoc.Result) {
  try withTemporaryFolder { folder in
    let input = folder.appendingPathComponent("in/test/file.proto")
    let output = folder.appendingPathComponent("out")
    for made in [input.deletingLastPathComponent(), output] {
      try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
    }
    try source.write(to: input, atomically: true, encoding: .utf8)
    let result = try Protoc.run([
      "-I", folder.appendingPathComponent("in").path, "--plugin=\(Protoc.plugin.path)",
      "--swift-rpc_out=\(output.path)", "--swift-rpc_opt=\(options)", "test/file.proto",
    ])
    var files: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: output.path) where name.hasSuffix(".swift") {
      files[name] = try String(contentsOf: output.appendingPathComponent(name), encoding: .utf8)
    }
    return (files, result)
  }
}
