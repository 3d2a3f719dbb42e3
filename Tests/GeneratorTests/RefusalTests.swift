import Testing

@Suite struct RefusalTests {
  @Test(
    "What cannot be generated is refused with a reason",
    arguments: [
      ("syntax = \"proto2\"; message A { optional int32 a = 1; }", "only proto3 is supported"),
      ("syntax = \"proto2\"; message A { optional group B = 1 {} }", "only proto3 is supported"),
      ("syntax = \"proto3\"; message A { optional int32 a = 1; }", "A.a: proto3 optional is not supported"),
      ("syntax = \"proto3\"; message A { string base = 1; }", "base and protobuf-c's own would both be named base"),
      ("syntax = \"proto3\"; message A { repeated int32 a = 1; int32 n_a = 2; }", "would both be named n_a"),
      ("syntax = \"proto3\"; message A { oneof a { int32 b = 1; } int32 a_case = 2; }", "would both be named a_case"),
      ("syntax = \"proto3\"; message A { message B { int32 base = 1; } }", "A.B: the C members of base"),
    ])
  func refusals(source: String, reason: String) async throws {
    let (files, result) = try await generate(source)
    #expect(!result.isSuccess)
    #expect(result.errors.contains("test/file.proto: "))
    #expect(result.errors.contains(reason), "\(result.errors)")
    #expect(files.isEmpty)
  }

  @Test("A type that another one hides is refused when its module is not known")
  func hiddenTypes() async throws {
    let source = """
      syntax = "proto3";
      message B {}
      message A { message B {} .B outer = 1; }
      """
    let (_, result) = try await generate(source)
    #expect(result.errors.contains("B is hidden by a type of the same name; give its module in ModuleMappings"))
  }
}
