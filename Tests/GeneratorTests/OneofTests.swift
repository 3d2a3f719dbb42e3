import GoldenMessages
import ProtobufC
import Testing

@Suite struct OneofTests {
  @Test(
    "Each field of a oneof is kept, at its default too",
    arguments: [
      "double_choice: 0", "double_choice: 1.5", "float_choice: 0", "int32_choice: 0", "int64_choice: -1",
      "uint32_choice: 0", "uint64_choice: 18446744073709551615", "sint32_choice: 0", "sint64_choice: -5",
      "fixed32_choice: 0", "fixed64_choice: 1", "sfixed32_choice: 0", "sfixed64_choice: -1", "bool_choice: false",
      "bool_choice: true", "string_choice: ''", "string_choice: 'x'", "bytes_choice: ''", "bytes_choice: '\\000'",
      "level_choice: LEVEL_UNSPECIFIED", "level_choice: LEVEL_NEGATIVE", "message_choice {}",
      "message_choice {int32_value: 1}", "empty_choice {}", "string_choice: 'x' between: 'y' a_number: 0", "aName: ''",
    ])
  func everyChoice(text: String) async throws {
    let bytes = try await Protoc.encode(text, as: "golden.Oneofs")
    let message = try bytes.withUnsafeBytes { try Oneofs(decoding: $0) }
    #expect(message.choice != nil || message.secondChoice != nil)
    let again = try message.encoded()
    #expect(try await Protoc.decode(again, as: "golden.Oneofs") == Protoc.decode(bytes, as: "golden.Oneofs"))
    #expect(try again.withUnsafeBytes { try Oneofs(decoding: $0) } == message)
  }

  @Test("The last field of a oneof wins")
  func lastWins() async throws {
    let bytes =
      try await Protoc.encode("message_choice {int32_value: 1}", as: "golden.Oneofs")
      + Protoc.encode("string_choice: 'x'", as: "golden.Oneofs") + Protoc.encode("int32_choice: 9", as: "golden.Oneofs")
    let message = try bytes.withUnsafeBytes { try Oneofs(decoding: $0) }
    #expect(message.choice == .int32Choice(9))
    #expect(message.int32Choice == 9 && message.stringChoice == nil && message.messageChoice == nil)
  }

  @Test("A oneof of the program's own is sent as it is")
  func setting() async throws {
    let message = Oneofs.with {
      $0.choice = .stringChoice("")
      $0.secondChoice = .aNumber(0)
    }
    let text = try await Protoc.decode(try message.encoded(), as: "golden.Oneofs")
    #expect(text == "string_choice: \"\"\na_number: 0\n")
  }
}
