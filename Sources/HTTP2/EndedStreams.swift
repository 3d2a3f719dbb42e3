/// The streams that a peer ended last. Those that this end reset are not among them: frames of theirs may have been on
/// their way. nghttp2 would tell frames on ended streams from others only by keeping a record of each of a thousand
/// closed streams.
struct EndedStreams {
  private static let count = 16

  // Zero is no stream.
  private var recent = InlineArray<16, Int32>(repeating: 0)
  private var next = 0
  private var newest: Int32 = 0

  mutating func insert(_ id: Int32) {
    recent[next] = id
    next = (next + 1) % Self.count
    newest = max(newest, id)
  }

  func contains(_ id: Int32) -> Bool {
    guard id > 0, id <= newest else { return false }
    for index in recent.indices where recent[index] == id { return true }
    return false
  }
}
