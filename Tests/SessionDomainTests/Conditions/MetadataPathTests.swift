import SessionDomain
import Testing

struct MetadataPathTests {
  @Test(
    "A list of paths has commas between them, and arrows between keys",
    arguments: [
      ("", []), ("  ", []), ("domain", [["domain"]]), (" domain , owner ", [["domain"], ["owner"]]),
      ("config->region", [["config", "region"]]), ("config -> region,b", [["config", "region"], ["b"]]),
      ("a b", [["a b"]]), ("größe", [["größe"]]), ("a.b", [["a.b"]]), ("a-b>c", [["a-b>c"]]),
      ("'a,b'", [["a,b"]]), ("'a->b'->' c '", [["a->b", " c "]]), ("'it''s'", [["it's"]]), ("''''", [["'"]]),
      ("'''\u{301}'", [["'\u{301}"]]),
      ("\u{f6},o\u{308}", [["\u{f6}"], ["o\u{308}"]]), ("a,A", [["a"], ["A"]]),
    ] as [(String, [[String]])])
  func list(text: String, keys: [[String]]) {
    #expect(MetadataPath.list(text)?.map { $0.keys.map { Array($0.utf8) } } == keys.map { $0.map { Array($0.utf8) } })
  }

  @Test(
    "What is no list is refused",
    arguments: [
      ",", "a,", ",a", "a,,b", "->", "a->", "->a", "a->->b", "'a", "a'", "it's", "''", "'a'b", "a 'b'", "a\"b", "a\\b",
      "a\nb", "a\u{0}b", "a,a", "a->b,a ->b", "a,'a'", String(repeating: "k", count: 257),
      (0..<17).map { "k\($0)" }.joined(separator: ","),
      Array(repeating: "k", count: 33).joined(separator: "->"),
    ])
  func noList(text: String) {
    #expect(MetadataPath.list(text) == nil)
  }

  @Test func theLongestListIsOne() {
    let deep = Array(repeating: "k", count: 32).joined(separator: "->")
    let long = String(repeating: "k", count: 256)
    let paths = MetadataPath.list("\(deep),\(long)," + (0..<14).map { "k\($0)" }.joined(separator: ","))
    #expect(paths?.count == MetadataPath.countMax)
  }
}
