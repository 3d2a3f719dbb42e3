import Foundation
import Testing

@Suite struct GoldenFileTests {
  @Test(
    "The generator writes the golden files, byte for byte",
    arguments: [("golden/everything.proto", "Public"), ("golden/keywords.proto", "Package")])
  func goldenFiles(proto: String, visibility: String) async throws {
    try await withTemporaryFolder { folder in
      let mappings = Protoc.protos.appendingPathComponent("modules.textproto").path
      let result = try await Protoc.run([
        "-I", Protoc.protos.path, "--plugin=\(Protoc.plugin.path)", "--swift-rpc_out=\(folder.path)",
        "--swift-rpc_opt=CModule=CGoldenMessages,FileNaming=DropPath,ModuleMappings=\(mappings)",
        "--swift-rpc_opt=Visibility=\(visibility)", proto,
      ])
      #expect(result.isSuccess, "\(result.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names.count == 3)
      let golden = Protoc.tests.deletingLastPathComponent().appendingPathComponent("GoldenMessages")
      for name in names {
        let generated = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        let expected = try String(contentsOf: golden.appendingPathComponent(name), encoding: .utf8)
        #expect(generated == expected, "\(name) differs; dev/generate writes it anew")
      }
    }
  }

  @Test("A run is like the run before")
  func determinism() async throws {
    let source = "syntax = \"proto3\"; message A { map<string, int32> a = 1; oneof b { A c = 2; } }"
    #expect(try await generate(source).files == generate(source).files)
  }
}
