import ProtobufC

extension FuzzTarget {
  /// The number of a message, and its bytes.
  init(_ name: String, messages: [Decoded]) {
    let seeds = messages.enumerated().flatMap { index, message in
      [message.sample, message.fullSample].map { [UInt8(index)] + $0 }
    }
    self.init(name, seeds: seeds) { input in
      let message = messages[Int(input.takeByte()) % messages.count]
      try message.check(input.takeRest())
    }
  }
}

/// A type of message: what decodes must be the same once encoded and decoded again.
struct Decoded: Sendable {
  let name: String
  let sample: [UInt8]
  /// Every field at once, each of a simple value.
  let fullSample: [UInt8]
  let check: @Sendable ([UInt8]) throws -> Void

  init<Message: ProtobufC.ProtobufMessage>(_ message: Message) {
    name = Message.fullName
    sample = Self.encoded(message)
    fullSample = SampleBytes.everyField(of: Message.descriptor)
    check = { bytes in
      let decoded: Message
      do throws(DecodeError) {
        decoded = try Self.decode(bytes, small)
      } catch {
        return expect(!error.message.isEmpty && !error.description.isEmpty, "a refusal says nothing")
      }
      let first = Self.encoded(decoded)
      // An empty entry of a map becomes one with all its fields, and a packed element one with a tag.
      expect(first.count <= bytes.count * 20 + 64, "\(Message.fullName) grew from \(bytes.count) to \(first.count)")
      let again: Message = try Self.decode(first, DecodeLimits())
      // NaN is not equal to itself, which two readings of the same bytes tell: then the same bytes must be there, in
      // another order where a map is.
      let hasNaN = try again != Self.decode(first, DecodeLimits())
      func isSame(_ other: Message) -> Bool {
        decoded == other || (hasNaN && Self.encoded(decoded).sorted() == Self.encoded(other).sorted())
      }
      expect(isSame(again), "\(Message.fullName) differs after encoding")
      // Field 1000, which none of them has.
      let unknown: Message = try Self.decode(bytes + [0xC0, 0x3E, 1], DecodeLimits())
      expect(isSame(unknown), "\(Message.fullName) differs with an unknown field")
    }
  }

  private static func decode<Message: ProtobufC.ProtobufMessage>(
    _ bytes: [UInt8], _ limits: DecodeLimits
  ) throws(DecodeError) -> Message {
    let result = bytes.withExactCopy { bytes in
      Result<Message, DecodeError> { () throws(DecodeError) in try Message(decoding: bytes, limits: limits) }
    }
    return try result.get()
  }

  private static func encoded<Message: ProtobufC.ProtobufMessage>(_ message: Message) -> [UInt8] {
    do {
      return try message.encoded()
    } catch {
      fatalError("\(Message.fullName) was decoded and cannot be encoded: \(error)")
    }
  }
}

// So small that inputs reach them.
private let small = {
  var limits = DecodeLimits()
  limits.depthMax = 20
  limits.memoryBytesMax = 1 << 20
  return limits
}()
