import GoldenMessages
import ProtobufC
import Testing

/// Messages as protoc encodes them become Swift values and the same messages again.
@Suite struct RoundTripTests {
  /// Decodes what protoc encodes, encodes it again, and compares what protoc makes of both.
  @discardableResult
  private func roundTrip<Message: ProtobufC.ProtobufMessage>(
    _ text: String, as _: Message.Type = Message.self, sameBytes: Bool = true
  ) async throws -> Message {
    let bytes = try await Protoc.encode(text, as: Message.fullName)
    let message: Message = try bytes.withUnsafeBytes { try Message(decoding: $0) }
    let again = try message.encoded()
    if sameBytes { #expect(again == bytes) }
    #expect(try again.withUnsafeBytes { try Message(decoding: $0) } == message)
    #expect(try await Protoc.decode(again, as: Message.fullName) == Protoc.decode(bytes, as: Message.fullName))
    return message
  }

  @Test("Scalars keep their largest and smallest values")
  func scalars() async throws {
    let largest: Scalars = try await roundTrip(
      """
      double_value: 1.7976931348623157e308 float_value: 3.4028234e38
      int32_value: 2147483647 int64_value: 9223372036854775807
      uint32_value: 4294967295 uint64_value: 18446744073709551615
      sint32_value: 2147483647 sint64_value: 9223372036854775807
      fixed32_value: 4294967295 fixed64_value: 18446744073709551615
      sfixed32_value: 2147483647 sfixed64_value: 9223372036854775807
      bool_value: true string_value: "gr\\303\\274n \\360\\237\\214\\262" bytes_value: "\\000\\377\\000"
      level: LEVEL_HIGHEST last: "z"
      """)
    #expect(largest.doubleValue == .greatestFiniteMagnitude)
    #expect(largest.floatValue == .greatestFiniteMagnitude)
    #expect(largest.int32Value == .max && largest.int64Value == .max)
    #expect(largest.uint32Value == .max && largest.uint64Value == .max)
    #expect(largest.sint32Value == .max && largest.sint64Value == .max)
    #expect(largest.fixed32Value == .max && largest.fixed64Value == .max)
    #expect(largest.sfixed32Value == .max && largest.sfixed64Value == .max)
    #expect(largest.boolValue && largest.stringValue == "grün 🌲" && largest.bytesValue == [0, 255, 0])
    #expect(largest.level == .highest && largest.last == "z")

    let smallest: Scalars = try await roundTrip(
      """
      double_value: -inf float_value: -inf int32_value: -2147483648 int64_value: -9223372036854775808
      sint32_value: -2147483648 sint64_value: -9223372036854775808
      sfixed32_value: -2147483648 sfixed64_value: -9223372036854775808 level: LEVEL_LOWEST
      """)
    #expect(smallest.doubleValue == -.infinity && smallest.floatValue == -.infinity)
    #expect(smallest.int32Value == .min && smallest.int64Value == .min)
    #expect(smallest.sint32Value == .min && smallest.sint64Value == .min)
    #expect(smallest.sfixed32Value == .min && smallest.sfixed64Value == .min)
    #expect(smallest.level == .lowest)
  }

  @Test("A message at its defaults is no bytes, and no bytes are a message at its defaults")
  func defaults() async throws {
    #expect(try Scalars().encoded() == [])
    #expect(try await roundTrip("") == Scalars())
    #expect(try await roundTrip("") == Nothing())
    #expect(try Oneofs(decoding: UnsafeRawBufferPointer(start: nil, count: 0)).choice == nil)
  }

  @Test("Repeated fields keep their order, and their defaults")
  func repeated() async throws {
    let numbers = (1...12).map(String.init).joined(separator: ", ")
    let names = [
      "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
      "sfixed64",
    ]
    let packable = names.map { "\($0)_values: [0, \(numbers)]" }.joined(separator: " ")
    let text = packable + " bool_values: [true, false, true] levels: [LEVEL_NEGATIVE, LEVEL_UNSPECIFIED, LEVEL_HIGH]"
    let packed: Repeated = try await roundTrip(
      text + " string_values: ['a', '', 'b'] bytes_values: ['', '\\000'] messages: [{}, {int32_value: 3}]")
    #expect(packed.int32Values == [0] + (1...12))
    #expect(packed.boolValues == [true, false, true])
    #expect(packed.levels == [.negative, .unspecified, .high])
    #expect(packed.stringValues == ["a", "", "b"])
    #expect(packed.bytesValues == [[], [0]])
    #expect(packed.messages == [Scalars(), .with { $0.int32Value = 3 }])

    let unpacked: Unpacked = try await roundTrip(text)
    #expect(unpacked.doubleValues == packed.doubleValues && unpacked.levels == packed.levels)
    // Either reads what the other writes.
    let unpackedBytes = try unpacked.encoded()
    let fromUnpacked = try unpackedBytes.withUnsafeBytes { try Repeated(decoding: $0) }
    let withoutRest = Repeated.with {
      $0 = packed
      ($0.stringValues, $0.bytesValues, $0.messages) = ([], [], [])
    }
    #expect(fromUnpacked == withoutRest)
    let packedBytes = try withoutRest.encoded()
    #expect(packedBytes != unpackedBytes)
    #expect(try packedBytes.withUnsafeBytes { try Unpacked(decoding: $0) } == unpacked)
  }

  @Test("Maps take every kind of key and value, and the last value of a key")
  func maps() async throws {
    let names = [
      "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64",
    ]
    let byNumber = names.map { "by_\($0) {key: 0 value: ''} by_\($0) {key: 7 value: 'seven'}" }
    let toNumber = (names + ["double", "float"]).map { "to_\($0) {key: 'a' value: 5} to_\($0) {key: '' value: 0}" }
    let text = (byNumber + toNumber).joined(separator: " ")
    let maps: Maps = try await roundTrip(
      text + """
         by_bool {key: true value: 'yes'} by_bool {key: false value: 'no'} by_string {key: 'k' value: 'v'}
         to_bool {key: 'a' value: true} to_string {key: 'a' value: 'b'} to_bytes {key: 'a' value: '\\000'}
         to_level {key: 'a' value: LEVEL_LOWEST} to_message {key: 'a' value: {level: LEVEL_IN}}
         to_message {key: 'b' value: {}} to_itself {key: 'a' value: {to_itself {key: 'b' value: {}}}}
        """, sameBytes: false)
    #expect(maps.bySfixed64 == [0: "", 7: "seven"])
    #expect(maps.toFixed32 == ["a": 5, "": 0])
    #expect(maps.byBool == [true: "yes", false: "no"])
    #expect(maps.toLevel == ["a": .lowest])
    #expect(maps.toMessage == ["a": .with { $0.level = .in }, "b": Scalars()])
    #expect(maps.toItself["a"]?.toItself == ["b": Maps()])
    let bytes = try await Protoc.encode(
      "by_string {key: 'k' value: 'first'} by_string {key: 'k' value: 'last'}", as: "golden.Maps")
    let repeatedKey = try bytes.withUnsafeBytes { try Maps(decoding: $0) }
    #expect(repeatedKey.byString == ["k": "last"])
  }

  @Test("A map entry without key, value or both has their defaults")
  func incompleteMapEntries() throws {
    // Field 11 is by_bool, field 28 to_level, field 29 to_message; each entry is empty.
    let bytes: [UInt8] = [11 << 3 | 2, 0, 0xE2, 1, 0, 0xEA, 1, 0]
    let maps = try bytes.withUnsafeBytes { try Maps(decoding: $0) }
    #expect(maps.byBool == [false: ""])
    #expect(maps.toLevel == ["": .unspecified])
    #expect(maps.toMessage == ["": Scalars()])
  }

  @Test("Messages that contain themselves keep their shape")
  func recursion() async throws {
    let tree: Tree = try await roundTrip(
      """
      label: "root" left {label: "l" left {label: "ll"}} right {} only {leaf: ""}
      children: [{label: "c"}, {children: {}}] named {key: "n" value: {label: "v"}} branch {tree {label: "b"}}
      """)
    #expect(tree.left?.left?.label == "ll")
    #expect(tree.right == Tree())
    #expect(tree.only?.kind == .leaf(""))
    #expect(tree.branch?.tree?.label == "b")
    #expect(tree.children.count == 2 && tree.named["n"]?.label == "v")
  }

  @Test("Nested types that hide others are the ones that the proto means")
  func nesting() async throws {
    let outer: Outer = try await roundTrip(
      """
      inner {nearest {inner_value: 1} outermost {last: "x"} level: LEVEL_OTHER outer_level: LEVEL_HIGH outer {}}
      scalars {inner_value: 2} levels {key: 3 value: LEVEL_OTHER}
      """)
    #expect(outer.inner?.nearest?.innerValue == 1)
    #expect(outer.inner?.outermost == Scalars.with { $0.last = "x" })
    #expect(outer.inner?.level == .other && outer.inner?.outerLevel == .high)
    #expect(outer.levels == [3: .other])
  }

  @Test("Well-known types are messages like others")
  func wellKnownTypes() async throws {
    let message: WellKnown = try await roundTrip(
      """
      any {type_url: "x/y" value: "\\001"} duration {seconds: -1 nanos: -5} empty {} field_mask {paths: ["a", "b.c"]}
      struct {fields {key: "a" value {list_value {values [{null_value: NULL_VALUE}, {bool_value: false}]}}}}
      value {number_value: 0} list_value {} timestamp {seconds: 1 nanos: 2} bool_value {} bytes_value {value: "b"}
      double_value {value: 1} float_value {value: 2} int32_value {value: 3} int64_value {value: 4}
      string_value {value: "s"} uint32_value {value: 5} uint64_value {value: 6} timestamps [{}, {seconds: 9}]
      """)
    #expect(message.any?.typeURL == "x/y" && message.duration?.nanos == -5)
    #expect(message.fieldMask?.paths == ["a", "b.c"])
    #expect(message.struct?.fields["a"]?.listValue?.values.map(\.kind) == [.nullValue(.nullValue), .boolValue(false)])
    #expect(message.value?.kind == .numberValue(0) && message.boolValue?.value == false)
    #expect(message.timestamps.last?.seconds == 9)
  }

  @Test("Fields are found by their numbers, whatever the order and the gaps")
  func gaps() async throws {
    let gaps: Gaps = try await roundTrip("thousand: 'k' one: '1' three: '3' big: 'b'")
    #expect((gaps.one, gaps.three, gaps.thousand, gaps.big) == ("1", "3", "k", "b"))
  }
}
