import GoldenMessages
import ProtobufC
import Testing

/// The table of well-formed UTF-8 (Unicode 15, table 3-7), against Swift's own decoder.
@Suite struct TextTests {
  private func isAccepted(_ text: [UInt8]) -> Bool {
    refusal(of: WireBytes.field(14, text), as: Scalars.self) == nil
  }

  private func isText(_ text: [UInt8]) -> Bool { !text.contains(0) && String(validating: text, as: UTF8.self) != nil }

  @Test("Every sequence of one and of two bytes is accepted exactly when it is UTF-8")
  func shortSequences() {
    for first in UInt8.min...UInt8.max {
      #expect(isAccepted([first]) == isText([first]))
      for second in UInt8.min...UInt8.max where isAccepted([first, second]) != isText([first, second]) {
        Issue.record("\([first, second])")
      }
    }
  }

  @Test("Sequences of three and four bytes are accepted exactly when they are UTF-8")
  func longSequences() {
    let leads = Array(UInt8(0xC0)...0xFF)
    let edges: [UInt8] = [0x00, 0x01, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xF0, 0xFF]
    for lead in leads {
      for second in edges {
        for third in edges {
          let three = [lead, second, third]
          if isAccepted(three) != isText(three) { Issue.record("\(three)") }
          for fourth in edges where isAccepted(three + [fourth]) != isText(three + [fourth]) {
            Issue.record("\(three + [fourth])")
          }
        }
      }
    }
  }

  @Test(
    "A bad byte is found at any place of a longer text", arguments: [0x00, 0x80, 0xC0, 0xED, 0xF5, 0xFF] as [UInt8])
  func everyPlace(bad: UInt8) {
    for count in 1...40 {
      for place in 0..<count {
        var text = Array(repeating: UInt8(ascii: "a"), count: count)
        #expect(isAccepted(text))
        text[place] = bad
        #expect(!isAccepted(text), "\(bad) at \(place) of \(count)")
      }
    }
  }

  @Test("Text of many scripts comes through whole")
  func scripts() throws {
    for text in ["", "a", "éü", "日本語", "🌲👩‍👩‍👧", "\u{1}\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}"] {
      for padding in 0..<9 {
        let padded = String(repeating: "x", count: padding) + text
        let message = Scalars.with { $0.stringValue = padded }
        #expect(try decode(message.encoded(), as: Scalars.self) == message)
      }
    }
  }

  @Test("A string with U+0000 is not encoded, wherever it is")
  func encodingNUL() {
    let text = "a\u{0}b"
    #expect(throws: EncodeError.containsNUL(message: "golden.Scalars")) {
      try Scalars.with { $0.stringValue = text }.encoded()
    }
    #expect(throws: EncodeError.containsNUL(message: "golden.Repeated")) {
      try Repeated.with { $0.stringValues = ["", text] }.encoded()
    }
    #expect(throws: EncodeError.containsNUL(message: "golden.Maps")) {
      try Maps.with { $0.byString = [text: ""] }.encoded()
    }
    #expect(throws: EncodeError.containsNUL(message: "golden.Tree")) {
      try Tree.with { $0.left = .with { $0.kind = .leaf("\u{0}") } }.encoded()
    }
  }
}
