import Testing

@testable import HTTP2

@Suite struct EndedStreamsTests {
  @Test func theConnectionIsNoStreamThatEnded() {
    #expect(!EndedStreams().contains(0))
  }

  @Test func theLastSixteenAreKnown() {
    var ended = EndedStreams()
    for id: Int32 in 0..<20 { ended.insert(2 * id + 1) }
    #expect(!ended.contains(7))
    for id: Int32 in 4..<20 { #expect(ended.contains(2 * id + 1)) }
    #expect(!ended.contains(41))
  }
}
