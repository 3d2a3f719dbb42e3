import ProtobufC
import RPCCore
import RPCTestSupport
import Testing

@Suite struct ServerMethodTests {
  private static let unary = ServerMethod.unary(Calls.unary) { (request: Text, _) in try ServerResponse(request) }

  /// The code that `bytes` are refused with; nil where they are taken.
  private func refusal(of bytes: [UInt8], limits: DecodeLimits = DecodeLimits()) -> StatusCode? {
    guard case .oneRequest(let prepare) = Self.unary.handler else { return nil }
    let context = ServerContext(
      method: Calls.unary, peer: Peer(address: "test"), id: CallID(connection: CallID.Connection(), stream: 1))
    do {
      _ = try bytes.withUnsafeBytes { try prepare($0, limits, context) }
      return nil
    } catch {
      return (error as? RPCError)?.code
    }
  }

  @Test func aMessageIsTaken() {
    #expect(refusal(of: []) == nil)
    #expect(refusal(of: [0x0A, 1, 65]) == nil)
  }

  @Test(arguments: [[0xFF], [0x0A, 5, 65], [0x0A, 1, 0xFF], [0x0A, 1, 0], [0x08, 1]] as [[UInt8]])
  func bytesThatAreNoMessageAreAnInvalidArgument(bytes: [UInt8]) {
    #expect(refusal(of: bytes) == .invalidArgument)
  }

  @Test func aMessageThatTakesTooMuchMemoryExhaustsAResource() {
    var limits = DecodeLimits()
    limits.memoryBytesMax = 64
    let text = [UInt8](repeating: 65, count: 100)
    #expect(refusal(of: [0x0A, 100] + text, limits: limits) == .resourceExhausted)
  }

  @Test func whatIsAnsweredAtOnceIsNotHandled() throws {
    let method = ServerMethod.unary(
      Calls.unary,
      atOnce: { (lent: LentMessage<Text>, _) in
        let text = lent.copy()
        return text.value == "now" ? try ServerResponse(text) : nil
      }, { request, _ in try ServerResponse(request) })
    guard case .oneRequest(let prepare) = method.handler else { throw RPCError(.internal, "not a unary method") }
    let context = ServerContext(
      method: Calls.unary, peer: Peer(address: "test"), id: CallID(connection: CallID.Connection(), stream: 1))
    let now = try ([0x0A, 3, 110, 111, 119] as [UInt8]).withUnsafeBytes { try prepare($0, DecodeLimits(), context) }
    guard case .answered(let answer) = now else { throw RPCError(.internal, "not answered") }
    #expect(answer.frame.withPayload { Array($0) } == [0x0A, 3, 110, 111, 119])
    let bytes: [UInt8] = [0x0A, 5, 108, 97, 116, 101, 114]
    let later = try bytes.withUnsafeBytes { try prepare($0, DecodeLimits(), context) }
    guard case .waiting(_, let requestBytes) = later else { throw RPCError(.internal, "answered") }
    var copyBytes = 0
    _ = try bytes.withUnsafeBytes { try Text(decoding: $0, limits: DecodeLimits(), memoryBytes: &copyBytes) }
    #expect(requestBytes == copyBytes && copyBytes > 0)
  }

  @Test func aMethodKnowsItsKindWhichItsNameDoesNot() {
    #expect(Calls.unary.kind == nil)
    #expect(Self.unary.descriptor == Calls.unary && Self.unary.descriptor.kind == .unary)
    let clientStreaming = ServerMethod.clientStreaming(Calls.unary) { (_: RequestStream<Text>, _) in
      try ServerResponse(Text())
    }
    let serverStreaming = ServerMethod.serverStreaming(Calls.unary) { (_: Text, _: ResponseWriter<Text>, _) in }
    let bidirectional = ServerMethod.bidirectionalStreaming(Calls.unary) {
      (_: RequestStream<Text>, _: ResponseWriter<Text>, _) in
    }
    let kinds = [clientStreaming, serverStreaming, bidirectional].map(\.descriptor.kind)
    #expect(kinds == [.clientStreaming, .serverStreaming, .bidirectionalStreaming])
  }

  @Test func aDescriptorNamesItsPath() {
    #expect(Calls.unary.path == "/test.Calls/Unary")
    #expect(Calls.unary.description == "test.Calls/Unary")
  }
}
