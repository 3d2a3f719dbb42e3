import SessionDomain
import Testing

@testable import SessionStore

/// The first place of a text at or after another one, the obvious way.
private func place(of sought: [UInt8], in text: [UInt8], from start: Int) -> Int? {
  guard start + sought.count <= text.count else { return nil }
  return (start...text.count - sought.count).first { text[$0..<$0 + sought.count].elementsEqual(sought) }
}

@Suite struct SoughtTextTests {
  @Test func `A text is found where the obvious way finds it`() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(state: seed)
    for round in 0..<4000 {
      // Two letters, so that most places are nearly right.
      let length = Int.random(in: 0...150, using: &generator)
      let text = (0..<length).map { _ in UInt8.random(in: 97...98, using: &generator) }
      let count = Int.random(in: 1...min(40, 1 + round % 12 * 4), using: &generator)
      let sought = (0..<count).map { _ in UInt8.random(in: 97...98, using: &generator) }
      let found = try #require(SoughtText(String(decoding: sought, as: UTF8.self)))
      for start in [0, 1, length / 2, length] {
        let place = text.withUnsafeBufferPointer { found.find(in: $0, from: start) }
        #expect(place == SessionStoreTests.place(of: sought, in: text, from: start), "seed \(seed), round \(round)")
      }
    }
  }

  @Test func `A text is found at the end of memory, and all of it must be there`() throws {
    let sought = try #require(SoughtText("xyz"))
    for length in 0..<100 {
      let text = [UInt8](repeating: UInt8(ascii: "."), count: length) + Array("xyz".utf8)
      #expect(text.withUnsafeBufferPointer { sought.find(in: $0, from: 0) } == length)
      #expect(text.dropLast().withUnsafeBufferPointer { sought.find(in: $0, from: 0) } == nil)
    }
  }

  @Test func `The empty text is no text to seek`() {
    #expect(SoughtText("") == nil)
  }

  @Test(
    arguments: [
      ("a", true, [.director, .department, .active].filter { "\($0)".contains("a") }), ("0-f", true, []),
      ("g", false, []), ("é", false, []), ("rect", false, [.director]),
    ] as [(String, Bool, [SessionType])])
  func `It is known what a text can be in`(text: String, canBeInID: Bool, types: [SessionType]) throws {
    let sought = try #require(SoughtText(text))
    #expect(sought.canBeInID == canBeInID)
    #expect(sought.types == Set(types))
  }
}
