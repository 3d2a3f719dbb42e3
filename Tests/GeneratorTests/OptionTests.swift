import Testing

@Suite struct OptionTests {
  private let service = """
    syntax = "proto3";
    package a.b;
    import "google/protobuf/empty.proto";
    message Request {}
    service Calls { rpc Call(Request) returns (google.protobuf.Empty); }
    """

  @Test("Files are named by the whole path, by the path with underscores, or by the last part")
  func fileNaming() async throws {
    func names(_ options: String = "") async throws -> [String] {
      try await generate(service, options: options).files.keys.sorted()
    }
    #expect(try await names() == ["test/file.descriptor.swift", "test/file.messages.swift", "test/file.rpc.swift"])
    #expect(
      try await names("FileNaming=PathToUnderscores")
        == ["test_file.descriptor.swift", "test_file.messages.swift", "test_file.rpc.swift"])
    #expect(
      try await names("FileNaming=DropPath") == ["file.descriptor.swift", "file.messages.swift", "file.rpc.swift"])
  }

  @Test("Client and server can each be left out")
  func sides() async throws {
    let both = try #require(try await generate(service).files["test/file.rpc.swift"])
    #expect(both.contains("protocol A_B_Calls:") && both.contains("struct A_B_CallsClient:"))
    let server = try #require(try await generate(service, options: "Client=false").files["test/file.rpc.swift"])
    #expect(server.contains("protocol A_B_Calls:") && !server.contains("A_B_CallsClient"))
    let client = try #require(try await generate(service, options: "Server=false").files["test/file.rpc.swift"])
    #expect(!client.contains("protocol A_B_Calls:") && client.contains("struct A_B_CallsClient:"))
    let neither = try await generate(service, options: "Server=false,Client=false")
    #expect(neither.files.keys.sorted() == ["test/file.messages.swift"])
  }

  @Test("Imports have the visibility of what is generated, and name only modules that are used")
  func imports() async throws {
    let files = try await generate(service, options: "Visibility=Internal,CModule=CThings").files
    let messages = try #require(files["test/file.messages.swift"])
    #expect(messages.contains("internal import CThings\ninternal import ProtobufC\n\n"))
    let services = try #require(files["test/file.rpc.swift"])
    #expect(
      services.contains(
        "internal import ProtobufC\ninternal import ProtobufWellKnownTypes\ninternal import RPCCore\n\n"))
  }

  @Test(
    "Options that are wrong are refused, with what is allowed",
    arguments: [
      ("Visibility=Secret", "\"Secret\" is not one of Public, Package, Internal"),
      ("FileNaming=Short", "\"Short\" is not one of FullPath, PathToUnderscores, DropPath"),
      ("Client=yes", "\"yes\" is neither true nor false"),
      ("CModule=a b", "\"a b\" is not the name of a module"),
      ("ModuleMappings=/nonexistent", "cannot read the mappings in \"/nonexistent\""),
      ("Colour=red", "unknown option"),
    ])
  func wrongOptions(options: String, expected: String) async throws {
    let (files, result) = try await generate(service, options: options)
    #expect(!result.isSuccess)
    #expect(result.errors.contains(expected), "\(result.errors)")
    #expect(files.isEmpty)
  }
}
