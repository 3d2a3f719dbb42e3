import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
import Testing

@Suite struct FramedMessageTests {
  @Test func aFrameIsAFlagALengthAndTheMessage() throws {
    let frame = try FramedMessage.framing(Text("abc"))
    #expect(Array(frame.bytes) == [0, 0, 0, 0, 5, 0x0A, 3] + Array("abc".utf8))
    #expect(frame.count == 10)
    #expect(frame.withPayload { Array($0) } == [0x0A, 3] + Array("abc".utf8))
  }

  @Test func anEmptyMessageIsAPrefixAlone() throws {
    let frame = try FramedMessage.framing(Text())
    #expect(Array(frame.bytes) == [0, 0, 0, 0, 0])
    #expect(frame.withPayload { $0.isEmpty })
  }

  @Test func aMessageThatCannotBeEncodedIsAnInternalError() {
    #expect {
      try FramedMessage.framing(Text("a\0b"))
    } throws: { error in
      (error as? RPCError)?.code == .internal
    }
  }

  @Test func lengthsAreBigEndian() throws {
    let frame = FramedMessage(payloadBytes: 0x010203) { target in
      target.initializeMemory(as: UInt8.self, repeating: 7, count: 0x010203)
    }
    #expect(Array(frame.bytes.prefix(6)) == [0, 0, 1, 2, 3, 7])
  }
}
