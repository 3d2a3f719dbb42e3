import GoldenMessages
import ProtobufC
import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

@testable import SessionServices

extension FuzzTarget {
  static let messages = [requests, golden, json, structs]

  /// The number of a message, and its bytes.
  private static let requests = target(
    "requests",
    [
      Decoded(
        CreateSessionRequest.with {
          $0.session = .with {
            $0.type = .director
            $0.name = "main"
            $0.workspace = "/w"
            $0.metadata = Google_Protobuf_Struct(["k": .array([.number(1), .null, .object([:])])])
            $0.capabilities = ["a", "b"]
            $0.environment = ["A": "1", "B": ""]
          }
          $0.requestID = "r"
        }),
      Decoded(GetSessionRequest.with { $0.sessionID = "01890a5d-ac96-774b-bcce-b302099a8057" }),
      Decoded(UpdateSessionRequest.with { $0.session = .with { $0.status = .active } }),
      Decoded(
        ListSessionsRequest.with {
          $0.where = "name = ?"
          $0.params = [.with { $0.kind = .stringValue("a") }]
          $0.orderBy = [.with { $0.field = "name" }]
          $0.types = [.director, .observer]
        }),
      Decoded(WatchEventsRequest()), Decoded(SendMessageRequest()), Decoded(ReceiveMessagesRequest()),
      Decoded(AcknowledgeMessagesRequest()), Decoded(CreateTemplateRequest()), Decoded(InstantiateTemplateRequest()),
      Decoded(ReportActivityRequest()), Decoded(BootstrapSessionRequest()), Decoded(MigrateSessionRequest()),
      Decoded(SetSessionAffinityRequest()),
    ])

  private static let golden = target(
    "golden-messages",
    [
      Decoded(
        Scalars.with {
          $0.doubleValue = 0.5
          $0.int64Value = -7
          $0.sint32Value = -1
          $0.stringValue = "text"
          $0.bytesValue = [0, 255]
          $0.level = .negative
        }),
      Decoded(
        Repeated.with {
          $0.int32Values = [1, -1, 300]
          $0.fixed64Values = [1, 2]
          $0.stringValues = ["", "a"]
          $0.messages = [Scalars(), .with { $0.last = "end" }]
        }), Decoded(Unpacked.with { $0.int32Values = [1, -1, 300] }),
      Decoded(
        Maps.with {
          $0.byInt32 = [1: "one"]
          $0.toMessage = ["m": Scalars()]
          $0.toBytes = ["b": [0]]
        }), Decoded(Oneofs.with { $0.choice = .messageChoice(Scalars()) }),
      Decoded(
        Tree.with {
          $0.left = .with { $0.kind = .leaf("leaf") }
          $0.children = [Tree(), .with { $0.label = "child" }]
          $0.named = ["name": Tree()]
        }), Decoded(WellKnown()), Decoded(Outer()), Decoded(Gaps()), Decoded(Comments()),
    ])

  private static func target(_ name: String, _ kinds: [Decoded]) -> FuzzTarget {
    FuzzTarget(name, seeds: kinds.enumerated().map { [UInt8($0)] + $1.sample }) { input in
      let kind = kinds[Int(input.takeByte()) % kinds.count]
      try kind.check(input.takeRest())
    }
  }

  private static let json = FuzzTarget(
    "json",
    texts: [
      "{\"a\":[1,-2.5e3,true,false,null,\"\\u00e9\\ud83d\\ude00\\n\"],\"b\":{}}", "[[[[[[[[[[]]]]]]]]]]", " 1e999 ",
      "\"\\\"",
      "-0", "\"\\u0000\\u001F\\u007f\\b\"", "{\"a\":1,\"a\":2}", "0.1", "1E-400",
    ], words: ["\\u", "\\ud83d\\ude00", "true", "false", "null", "e+"]
  ) { text in
    try checkJSON(Array(text.utf8))
  }

  private static func checkJSON(_ bytes: [UInt8]) throws {
    let value: JSONValue
    do throws(JSONSyntaxError) {
      value = try JSONValue.decode(bytes, depthMax: jsonDepthMax)
    } catch {
      return expect((0...bytes.count).contains(error.offset) && !error.expected.isEmpty, "\(error)")
    }
    expect(value.nests(atMost: jsonDepthMax) && value.isFinite, "a value beyond the limits was decoded")
    let text = value.compactText
    expect(value.compactByteCount == text.utf8.count, "a text's length is wrong")
    let again = try JSONValue.decode(text.utf8, depthMax: jsonDepthMax)
    expect(again == value && again.compactText.utf8.elementsEqual(text.utf8), "\(text) became \(again.compactText)")
  }

  private static let jsonDepthMax = 32

  /// A struct's bytes.
  private static let structs = FuzzTarget(
    "structs",
    seeds: [
      Decoded(Google_Protobuf_Struct(["k": .array([.number(1), .null]), "o": .object(["a": .bool(true)])])).sample,
      // A value with nothing set.
      [10, 5, 10, 1, 107, 18, 0],
    ]
  ) { input in
    let bytes = input.takeRest()
    guard let decoded = try? bytes.withExactCopy({ try Google_Protobuf_Struct(decoding: $0) }) else { return }
    var violations: [FieldViolation] = []
    let members = decoded.json(at: "metadata", &violations)
    guard violations.isEmpty, JSONValue.object(members).isFinite else { return }
    var none: [FieldViolation] = []
    expect(Google_Protobuf_Struct(members).json(at: "metadata", &none) == members && none.isEmpty, "a struct differs")
    let value = JSONValue.object(members)
    let text = value.compactText
    expect(try JSONValue.decode(text.utf8, depthMax: 100) == value, "\(text) is another value")
  }
}

/// A type of message: what decodes must be the same once encoded and decoded again.
private struct Decoded: Sendable {
  let sample: [UInt8]
  let check: @Sendable ([UInt8]) throws -> Void

  init<Message: ProtobufC.ProtobufMessage>(_ message: Message) {
    sample = Self.encoded(message)
    check = { bytes in
      let decoded: Message
      do throws(DecodeError) {
        decoded = try Self.decode(bytes, small)
      } catch {
        return expect(!error.message.isEmpty && !error.description.isEmpty, "a refusal says nothing")
      }
      let first = Self.encoded(decoded)
      // An empty entry of a map becomes one with all its fields, and a packed element one with a tag.
      expect(first.count <= bytes.count * 20 + 64, "\(Message.fullName) grew from \(bytes.count) to \(first.count)")
      let again: Message = try Self.decode(first, DecodeLimits())
      expect(Self.areSame(decoded, again), "\(Message.fullName) differs after encoding")
      // Field 1000, which none of them has.
      let unknown: Message = try Self.decode(bytes + [0xC0, 0x3E, 1], DecodeLimits())
      expect(Self.areSame(decoded, unknown), "\(Message.fullName) differs with an unknown field")
    }
  }

  // NaN is not equal to itself: then the same bytes must be there, in another order where a map is.
  private static func areSame<Message: ProtobufC.ProtobufMessage>(_ one: Message, _ other: Message) -> Bool {
    one == other || encoded(one).sorted() == encoded(other).sorted()
  }

  private static func decode<Message: ProtobufC.ProtobufMessage>(
    _ bytes: [UInt8], _ limits: DecodeLimits
  ) throws(DecodeError) -> Message {
    let result = bytes.withExactCopy { bytes in
      Result<Message, DecodeError> { () throws(DecodeError) in try Message(decoding: bytes, limits: limits) }
    }
    return try result.get()
  }

  private static func encoded<Message: ProtobufC.ProtobufMessage>(_ message: Message) -> [UInt8] {
    do {
      return try message.encoded()
    } catch {
      fatalError("\(Message.fullName) was decoded and cannot be encoded: \(error)")
    }
  }
}

// So small that inputs reach them.
private let small = {
  var limits = DecodeLimits()
  limits.depthMax = 20
  limits.memoryBytesMax = 1 << 20
  return limits
}()
