import SessionDomain
import Testing

/// A patch over a target and what comes of it, all as JSON: the examples of RFC 7396 appendix A whose patch is an
/// object, and more.
private let examples: [(target: String, patch: String, result: String)] = [
  (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
  (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
  (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
  (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
  (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"{"e":null}"#, #"{"a":1}"#, #"{"a":1,"e":null}"#),
  ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
  (#"{"a":{"b":{"c":1,"d":2}}}"#, #"{"a":{"b":{"c":null,"e":3}}}"#, #"{"a":{"b":{"d":2,"e":3}}}"#),
  (#"{"a":{"b":1}}"#, #"{"a":{}}"#, #"{"a":{"b":1}}"#), (#"{"a":1}"#, #"{"a":{"b":null,"c":2}}"#, #"{"a":{"c":2}}"#),
  (#"{"a":1}"#, "{}", #"{"a":1}"#), (#"{"a":1}"#, #"{"b":null}"#, #"{"a":1}"#),
  (#"{"a":[1,null]}"#, #"{"b":[null]}"#, #"{"a":[1,null],"b":[null]}"#),
]

private func members(_ text: String) throws -> [String: JSONValue] {
  guard case .object(let members) = try JSONValue.decode(text.utf8, depthMax: 10) else { return [:] }
  return members
}

@Suite struct JSONMergeTests {
  @Test(arguments: examples.indices)
  func `Objects merge at every depth, a null removes, anything else replaces`(_ index: Int) throws {
    let (target, patch, result) = examples[index]
    #expect(JSONValue.object(JSONValue.merge(try members(patch), over: try members(target))).compactText == result)
  }
}
