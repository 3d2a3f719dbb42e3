import GoldenMessages
import ProtobufC
import RPCCore
import Testing

@Suite struct NameTests {
  @Test("Fields named by keywords and by the generated code's own names are fields like others")
  func words() async throws {
    let bytes = try await Protoc.encode(
      "in: 'a' self: 'b' init: 'c' await: 'd' int: 'e' class: 'f' c: 1 arena: 2 CamelCase: 3 UPPER: 4 _leading: 5",
      as: "golden.keywords.Words")
    let words = try bytes.withUnsafeBytes { try Words(decoding: $0) }
    #expect(words.in == "a" && words.self_p == "b" && words.init_p == "c" && words.await == "d")
    #expect(words.int == "e" && words.class == "f" && words.c == 1 && words.arena == 2)
    #expect(words.camelCase == 3 && words.upper == 4 && words.leading == 5)
    #expect(try words.encoded() == bytes)
  }

  @Test("Oneofs and their cases may be named by keywords")
  func choices() async throws {
    let bytes = try await Protoc.encode(
      "none: '' arena: true is_it: false default {key: 'k' value: 'v'} class: 1", as: "golden.keywords.Choices")
    let choices = try bytes.withUnsafeBytes { try Choices(decoding: $0) }
    #expect(choices.none?.isEmpty == true && choices.some == nil)
    #expect(choices.c == .arena(true) && choices.default == ["k": "v"])
    #expect(try choices.encoded() == bytes)
  }

  @Test("A message named as a Swift type gets another name")
  func messages() {
    #expect(Int32Message.fullName == "golden.keywords.Int32")
    #expect(TypeMessage.fullName == "golden.keywords.Type")
    #expect(GoldenMessages.Field.CMessage_.fullName == "golden.keywords.Field.CMessage")
  }
}
