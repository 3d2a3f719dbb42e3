public import ProtobufC

/// Messages one after another as they go on the wire, so that many of them are sent in one piece. Immutable and shared,
/// as one `FramedMessage` is.
public struct FramedMessages: @unchecked Sendable {
  // Immutable once made, hence the unchecked conformance.
  private final class Storage: ManagedBuffer<Int, UInt8> {}
  private let storage: ManagedBuffer<Int, UInt8>
  // Where each message ends.
  private let ends: [Int]

  /// Copies `frames`, which are not compressed.
  public init(_ frames: [FramedMessage]) {
    var ends: [Int] = []
    ends.reserveCapacity(frames.count)
    for frame in frames { ends.append((ends.last ?? 0) + frame.count) }
    self.ends = ends
    storage = Storage.create(minimumCapacity: ends.last ?? 0) { _ in ends.last ?? 0 }
    storage.withUnsafeMutablePointerToElements { elements in
      var target = UnsafeMutableRawPointer(elements)
      for frame in frames {
        withExtendedLifetime(frame.owner) {
          if let base = frame.bytes.baseAddress { target.copyMemory(from: base, byteCount: frame.count) }
        }
        target += frame.count
      }
    }
  }

  /// How many messages they are.
  public var count: Int { ends.count }

  /// The size of all frames in bytes.
  public var bytesCount: Int { ends.last ?? 0 }

  /// One of them, copied.
  public subscript(index: Int) -> FramedMessage {
    withExtendedLifetime(storage) {
      let frame = bytes(of: index..<(index + 1))
      return FramedMessage(
        copying: UnsafeRawBufferPointer(rebasing: frame[FramedMessage.prefixBytes...]), wasCompressed: false)
    }
  }

  /// What keeps the bytes where they are.
  public var owner: AnyObject { storage }

  /// The bytes of some of them; valid while `owner` lives.
  public func bytes(of range: Range<Int>) -> UnsafeRawBufferPointer {
    let start = start(of: range.lowerBound)
    return storage.withUnsafeMutablePointerToElements { elements in
      UnsafeRawBufferPointer(start: elements + start, count: self.start(of: range.upperBound) - start)
    }
  }

  /// The first messages of `range` that have so many bytes together, at least one; `range` may not be empty.
  public func prefix(of range: Range<Int>, bytesMax: Int) -> Range<Int> {
    let limit = start(of: range.lowerBound) + bytesMax
    if ends[range.upperBound - 1] <= limit { return range }
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] <= limit { low = middle + 1 } else { high = middle }
    }
    return range.lowerBound..<max(low, range.lowerBound + 1)
  }

  private func start(of index: Int) -> Int { index == 0 ? 0 : ends[index - 1] }
}

/// Messages in their encoded form, one after another: encoded once, sent any number of times.
public struct EncodedMessages<Message: ProtobufMessage>: Sendable {
  /// The bytes on the wire.
  public let frames: FramedMessages

  /// Joins messages that were encoded before.
  public init(_ messages: [EncodedMessage<Message>]) { frames = FramedMessages(messages.map(\.frame)) }
}
