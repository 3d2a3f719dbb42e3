import Foundation
import Subprocess

/// Runs protoc, with the plugin that was built beside these tests.
enum Protoc {
  struct Result {
    let isSuccess: Bool
    let output: [UInt8]
    let errors: String
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let protos = tests.appendingPathComponent("Protos")
  static let plugin = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("protoc-gen-swift-rpc")

  // More than any run here says.
  private static let outputBytesMax = 1 << 20

  static func run(_ arguments: [String], input: [UInt8] = []) async throws -> Result {
    let result = try await Subprocess.run(
      .name("protoc"), arguments: Arguments(arguments), input: .array(input), output: .bytes(limit: outputBytesMax),
      error: .string(limit: outputBytesMax))
    return Result(
      isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput, errors: result.standardError)
  }

  /// The bytes of a message of everything.proto or keywords.proto, given as text.
  static func encode(_ text: String, as message: String) async throws -> [UInt8] {
    try await convert("--encode=\(message)", Array(text.utf8))
  }

  /// The text of a message of everything.proto or keywords.proto, given as bytes.
  static func decode(_ bytes: [UInt8], as message: String) async throws -> String {
    String(decoding: try await convert("--decode=\(message)", bytes), as: UTF8.self)
  }

  private static func convert(_ option: String, _ input: [UInt8]) async throws -> [UInt8] {
    let files = ["golden/everything.proto", "golden/keywords.proto"]
    let result = try await run(["-I", protos.path, option] + files, input: input)
    guard result.isSuccess else { throw Failure(description: result.errors) }
    return result.output
  }
}

/// A folder that is there as long as `body` runs.
func withTemporaryFolder<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  // A folder left behind is the operating system's to clean.
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(folder)
}

/// What the plugin makes of one proto file with `source`.
func generate(_ source: String, options: String = "") async throws -> (files: [String: String], result: Protoc.Result) {
  try await withTemporaryFolder { folder in
    let input = folder.appendingPathComponent("in/test/file.proto")
    let output = folder.appendingPathComponent("out")
    for made in [input.deletingLastPathComponent(), output] {
      try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
    }
    try source.write(to: input, atomically: true, encoding: .utf8)
    let result = try await Protoc.run([
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
