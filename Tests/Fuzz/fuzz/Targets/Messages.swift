import GoldenMessages
import ProtobufWellKnownTypes
import SessionDomain

@testable import SessionServices

extension FuzzTarget {
  static let messages = [golden, json, structs, messageTimes]

  private static let golden = FuzzTarget(
    "golden-messages",
    messages: [
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

  /// Seconds and nanoseconds: of a duration, and of a time.
  private static let messageTimes = FuzzTarget(
    "message-times",
    seeds: [
      [], [0, 0, 0, 0, 0, 0, 0, 5, 0x3B, 0x9A, 0xC9, 0xFF], [0, 0, 0, 0, 0, 0, 0, 5, 255, 255, 255, 255],
      Array(repeating: 255, count: 12), [0, 0, 0, 0x49, 0x7A, 0xD2, 0x8C, 0], [0, 0, 0, 0x3A, 0xFF, 0xF4, 0x41, 0x7F],
      [255, 255, 255, 0xF1, 0x88, 0x6E, 0x09, 0x00], [0x7F] + Array(repeating: 255, count: 7),
    ]
  ) { input in
    let seconds = Int64(bitPattern: input.takeInteger())
    let nanos = Int32(truncatingIfNeeded: input.takeBytes(4).reduce(0) { $0 << 8 | UInt32($1) })
    var violations: [FieldViolation] = []

    let duration = Google_Protobuf_Duration.with { ($0.seconds, $0.nanos) = (seconds, nanos) }
    let hasOneSign = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0)
    // 10,000 years (google/protobuf/duration.proto).
    let isDuration = hasOneSign && seconds.magnitude <= 315_576_000_000 && nanos.magnitude <= 999_999_999
    expect((duration.duration != nil) == isDuration, "\(seconds) s and \(nanos) ns are taken for what they are not")
    if let value = duration.duration { expect(Google_Protobuf_Duration(value) == duration, "\(value) differs") }
    let isLength = isDuration && seconds >= 0 && nanos >= 0
    expect(duration.duration(at: "a", &violations) == (isLength ? duration.duration : .zero), "\(seconds) s differ")
    expect(violations.isEmpty == isLength, "\(seconds) s and \(nanos) ns are refused wrongly")

    violations = []
    let time = Google_Protobuf_Timestamp.with { ($0.seconds, $0.nanos) = (seconds, nanos) }
    // From the year 1 to 9999 (google/protobuf/timestamp.proto).
    let isTime = (-62_135_596_800...253_402_300_799).contains(seconds) && (0...999_999_999).contains(nanos)
    let moment = time.timestamp(at: "a", &violations)
    expect((moment != nil) == isTime && violations.isEmpty == isTime, "\(seconds) s and \(nanos) ns are no such time")
    guard let moment else { return }
    // Microseconds are what is kept.
    let kept = Google_Protobuf_Timestamp.with { ($0.seconds, $0.nanos) = (seconds, nanos / 1000 * 1000) }
    expect(Google_Protobuf_Timestamp(moment) == kept, "\(seconds) s and \(nanos) ns became \(moment.microseconds)")
  }
}
