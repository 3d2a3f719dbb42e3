import GoldenMessages
import ProtobufC
import Testing

@Suite struct FileDeclarationsTests {
  private func file(_ bytes: [UInt8]) -> FileDescriptor {
    let text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    return FileDescriptor("test.proto", dependencies: [], serialized: text)
  }

  private func string(_ field: UInt64, _ text: String) -> [UInt8] { WireBytes.field(field, Array(text.utf8)) }

  @Test("Bytes come out of a literal's scalars as they went in")
  func serialized() {
    let all = Array(UInt8.min...UInt8.max)
    #expect(file(all).serialized == all)
  }

  @Test("Messages, fields, oneofs and enums have full names, and values are their enum's neighbours")
  func wholeFile() throws {
    let structs = try #require(
      FileDescriptor.golden_everything_proto.dependencies.first { $0.path == "google/protobuf/struct.proto" })
    let names = [
      "Struct", "Struct.fields", "Struct.FieldsEntry", "Struct.FieldsEntry.key", "Struct.FieldsEntry.value", "Value",
      "Value.null_value", "Value.number_value", "Value.string_value", "Value.bool_value", "Value.struct_value",
      "Value.list_value", "Value.kind", "ListValue", "ListValue.values", "NullValue", "NULL_VALUE",
    ]
    let declarations = try FileDeclarations(of: structs)
    #expect(declarations.symbols.sorted() == names.map { "google.protobuf.\($0)" }.sorted())
    #expect(declarations.extensions.isEmpty)
  }

  @Test(
    "Names are found at every depth",
    arguments: [
      "golden.Calls", "golden.Calls.Bidirectional", "golden.Outer.Inner.Scalars.inner_value",
      "golden.Outer.Inner.Level", "golden.Outer.Inner.LEVEL_OTHER", "golden.Outer.LevelsEntry.value",
    ])
  func depths(name: String) throws {
    #expect(try FileDeclarations(of: .golden_everything_proto).symbols.contains(name))
  }

  @Test("Extensions are known by what they extend and their number, inside messages too")
  func extensions() throws {
    func field(_ name: String, _ number: UInt64) -> [UInt8] {
      WireBytes.tag(3, 0) + WireBytes.varint(number) + string(1, name) + string(2, ".other.Options")
    }
    let message = string(1, "Scope") + WireBytes.field(6, field("inner", 50_001))
    let bytes = WireBytes.field(7, field("outer", 50_000)) + WireBytes.field(4, message) + string(2, "test")
    let declarations = try FileDeclarations(of: file(bytes))
    #expect(Set(declarations.symbols) == ["test.Scope", "test.outer", "test.Scope.inner"])
    #expect(declarations.extensions.map(\.extended) == ["other.Options", "other.Options"])
    #expect(declarations.extensions.map(\.number) == [50_000, 50_001])
  }

  @Test("A file without a package declares names without a dot")
  func noPackage() throws {
    let bytes = string(1, "test.proto") + WireBytes.field(6, string(1, "Calls") + WireBytes.field(2, string(1, "Call")))
    #expect(try FileDeclarations(of: file(bytes)).symbols == ["Calls", "Calls.Call"])
  }

  @Test("A descriptor that ends inside a field is refused")
  func truncated() {
    let whole = FileDescriptor.golden_everything_proto.serialized
    #expect(throws: DecodeError.self) { try FileDeclarations(of: file(Array(whole.dropLast()))) }
    // Most of the other places are inside a field too; none of them may read too far.
    for count in 0..<whole.count { _ = try? FileDeclarations(of: file(Array(whole.prefix(count)))) }
  }
}
