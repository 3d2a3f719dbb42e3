import SessionDomain
import Testing

private let pairs: [(JSONValue, String)] = [
  (.null, "null"), (.bool(true), "true"), (.bool(false), "false"), (.number(0), "0"), (.number(-0.0), "-0.0"),
  (.number(1.5), "1.5"), (.number(-17), "-17"), (.number(9_007_199_254_740_992), "9007199254740992"),
  (.number(1e300), "1e+300"), (.string(""), "\"\""),
  (.string("a\"b\\c/d\n\t\u{8}\u{c}\r\u{1}\u{0}é🙂"), #""a\"b\\c/d\n\t\b\f\r\u0001\u0000é🙂""#), (.array([]), "[]"),
  (.array([.number(1), .array([.null])]), "[1,[null]]"), (.object([:]), "{}"),
  (.object(["b": .number(1), "a": .object(["é": .null, "z": .bool(true)])]), #"{"a":{"z":true,"é":null},"b":1}"#),
]

@Suite struct JSONTests {
  @Test(arguments: pairs)
  func `Values are written compactly and read back`(_ value: JSONValue, _ text: String) throws {
    #expect(value.compactText == text)
    #expect(value.compactByteCount == text.utf8.count)
    #expect(try JSONValue.decode(text.utf8, depthMax: 8) == value)
  }

  @Test(arguments: [
    (" { \"a\" : [ 1 , 2.50e1 ] , \"a\" : -0.5E-1 } ", JSONValue.object(["a": .number(-0.05)])),
    (#""\u00e9\ud83d\ude42\/""#, .string("é🙂/")), ("\t1\r\n", .number(1)),
    ("123456789012345678901234567890", .number(0x1.8ee90ff6c373ep+96)),
  ])
  func `Any spelling of JSON is read`(_ text: String, _ value: JSONValue) throws {
    #expect(try JSONValue.decode(text.utf8, depthMax: 8) == value)
  }

  @Test(arguments: [
    ("", 0), ("tru", 0), ("nul", 0), ("01", 1), ("1.", 2), ("-", 1), ("+1", 0), (".5", 0), ("1e", 2), ("NaN", 0),
    ("1e400", 0), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{a:1}", 1), ("{\"a\":1,}", 7), ("\"a", 2),
    ("\"\n\"", 1), (#""\x""#, 2), (#""\u12g4""#, 5), (#""\ud800""#, 3), (#""\ude42""#, 3), (#""\ud83d\u0041""#, 3),
    ("1 2", 2), ("[[[[1]]]]", 3), ("{\"a\":{\"a\":{\"a\":{}}}}", 15), ("[", 1), ("{", 1), ("\"\\", 2),
  ])
  func `What is no JSON, or too deep, is refused at its place`(_ text: String, _ offset: Int) {
    let error = #expect(throws: JSONSyntaxError.self) { try JSONValue.decode(text.utf8, depthMax: 3) }
    #expect(error?.offset == offset)
  }

  @Test func `Bytes that are not UTF-8 are refused`() {
    #expect(throws: JSONSyntaxError.self) { try JSONValue.decode([0x22, 0xff, 0x22], depthMax: 3) }
    #expect(throws: JSONSyntaxError.self) { try JSONValue.decode([0x22, 0x5c, 0x6e, 0xc3, 0x22], depthMax: 3) }
  }

  @Test func `A million brackets are refused without following them down`() {
    let text = Array(repeating: UInt8(ascii: "["), count: 1_000_000)
    #expect(throws: JSONSyntaxError.self) { try JSONValue.decode(text, depthMax: 32) }
  }

  @Test func `Random values survive being written and read`() throws {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(state: seed)
    for _ in 0..<300 {
      let value = JSONValue.random(depth: 4, &numbers)
      #expect(try JSONValue.decode(value.compactText.utf8, depthMax: 8) == value, "seed \(seed)")
    }
  }

  @Test func `Random bytes are read or refused`() {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(state: seed)
    let alphabet = Array("{}[]\",:\\u0123eE+-.tfn aé\u{1}".utf8)
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 0..<24, using: &numbers)).compactMap { _ in alphabet.randomElement(using: &numbers)
      }
      guard let value = try? JSONValue.decode(text, depthMax: 8) else { continue }  // Most are no JSON.
      #expect((try? JSONValue.decode(value.compactText.utf8, depthMax: 8)) == value, "seed \(seed)")
    }
  }

  @Test func `Depth counts objects and arrays`() {
    let value = JSONValue.object(["a": .array([.object(["b": .number(1)])])])
    #expect(value.nests(atMost: 3) && !value.nests(atMost: 2))
    #expect(JSONValue.number(1).nests(atMost: 0) && !JSONValue.array([]).nests(atMost: 0))
  }

  @Test func `Strings are a list only when all are strings`() {
    #expect(JSONValue.array([.string("a"), .string("b")]).strings == ["a", "b"])
    #expect(JSONValue.array([.string("a"), .null]).strings == nil)
    #expect(JSONValue.string("a").strings == nil)
  }
}

extension JSONValue {
  static func random(depth: Int, _ numbers: inout SeededNumbers) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &numbers) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &numbers))
    case 2: return .number(Double(Int.random(in: -1_000_000...1_000_000, using: &numbers)) / 64)
    case 3:
      let number = Double(bitPattern: numbers.next())
      return .number(number.isFinite ? number : 1)
    case 4:
      let scalars = (0..<5).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0..<0x11000, using: &numbers)) }
      return .string(String(String.UnicodeScalarView(scalars)))
    case 5: return .array((0..<3).map { _ in random(depth: depth - 1, &numbers) })
    default:
      let keys = (0..<3).map { "k\($0)\"\\" }
      return .object(Dictionary(uniqueKeysWithValues: keys.map { ($0, random(depth: depth - 1, &numbers)) }))
    }
  }
}
