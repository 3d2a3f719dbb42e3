import Foundation
import GoldenMessages
import ProtobufC
import ProtobufWellKnownTypes
import Testing

@Suite struct DescriptorTests {
  @Test(
    "A descriptor has the bytes that protoc writes for its file",
    arguments: [FileDescriptor.golden_everything_proto, .google_protobuf_struct_proto, .google_protobuf_any_proto])
  func bytes(of file: FileDescriptor) async throws {
    try await withTemporaryFolder { folder in
      let set = folder.appendingPathComponent("set")
      let result = try await Protoc.run(["-I", Protoc.protos.path, "--descriptor_set_out=\(set.path)", file.path])
      #expect(result.isSuccess, "\(result.errors)")
      // A FileDescriptorSet of one file: the field's tag, its length, and the file.
      let written = [UInt8](try Data(contentsOf: set))
      #expect(Array(written.suffix(file.serialized.count)) == file.serialized)
      #expect(written.count - file.serialized.count == (file.serialized.count < 1 << 14 ? 3 : 4))
    }
  }

  @Test("A descriptor knows the files that its file imports")
  func dependencies() {
    let imports = ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"]
    #expect(
      FileDescriptor.golden_everything_proto.dependencies.map(\.path) == imports.map { "google/protobuf/\($0).proto" })
    #expect(FileDescriptor.google_protobuf_struct_proto.dependencies.isEmpty)
  }

  @Test("Every byte stands in the literal as its scalar")
  func everyByte() async throws {
    let source =
      #"syntax = "proto3"; import "google/protobuf/descriptor.proto";"#
      + #" extend google.protobuf.FileOptions { bytes raw = 50000; } option (raw) = "\#(octal(0...255))";"#
    let file = try #require(try await generate(source).files["test/file.descriptor.swift"])
    let literal = try #require(file.split(separator: "\"\"\"\n").last)
    let joined = literal.split(separator: "\\\n").map { $0.trimmingPrefix("      ") }.joined()
    #expect(joined.contains(##"\u{0}\u{1}\u{2}"##) && joined.contains(##"\u{9}\n\u{b}"##))
    #expect(joined.contains(##" !\"#$%&'()"##) && joined.contains(##"[\\]"##))
    #expect(joined.contains(##"~\u{7f}\u{80}"##) && joined.contains(##"\u{fe}\u{ff}"##))
    #expect(file.contains("dependencies: [],"), "descriptor.proto is proto2, which is not generated")
  }

  private func octal(_ bytes: ClosedRange<UInt8>) -> String {
    bytes.map { "\\" + String(Int($0) + 0o1000, radix: 8).dropFirst() }.joined()
  }

  @Test("Files are constants by their paths")
  func constants() async throws {
    func constant(_ path: String) async throws -> String? {
      try await withTemporaryFolder { folder in
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try #"syntax = "proto3";"#.write(to: file, atomically: true, encoding: .utf8)
        let result = try await Protoc.run([
          "-I", folder.path, "--plugin=\(Protoc.plugin.path)", "--swift-rpc_out=\(folder.path)", path,
        ])
        #expect(result.isSuccess, "\(result.errors)")
        let generated = folder.appendingPathComponent(path.dropLast(6) + ".descriptor.swift")
        return try String(contentsOf: generated, encoding: .utf8).firstMatch(of: /static let (\w+)/).map {
          String($0.1)
        }
      }
    }
    #expect(try await constant("a/b-c.proto") == "a_b_c_proto")
    #expect(try await constant("3d/3d.proto") == "_3d_3d_proto")
    #expect(try await constant("default.proto") == "default_proto")
  }
}
