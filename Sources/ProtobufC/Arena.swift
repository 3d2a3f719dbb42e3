/// Memory for one decode or encode: handed out by bumping a pointer, freed all at once.
///
/// The first chunk is lent by the caller, usually from the stack, so that a small message costs no `malloc`.
/// Further chunks come from `malloc` and double in size. Allocations beyond `bytesMax` fail; the caller sees
/// `nil` and `isExhausted`.
public struct Arena: ~Copyable {
  private var cursor: UnsafeMutableRawPointer
  private var end: UnsafeMutableRawPointer
  private var lastChunk: UnsafeMutableRawPointer?
  private var nextChunkBytes: Int
  private var bytesLeft: Int
  /// True once an allocation was refused.
  public private(set) var isExhausted = false
  /// True once a string to encode held a NUL, which protobuf-c cannot carry.
  public internal(set) var sawNUL = false

  // The size that libc's malloc promises too, so that any C type may live here.
  private static let alignment = 16

  init(lending first: UnsafeMutableRawBufferPointer, bytesMax: Int) {
    precondition(first.count >= Arena.alignment)
    cursor = first.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: Arena.alignment)
    end = first.baseAddress.unsafelyUnwrapped + first.count
    nextChunkBytes = first.count * 2
    bytesLeft = bytesMax
  }

  deinit {
    var chunk = lastChunk
    while let current = chunk {
      chunk = current.load(as: UnsafeMutableRawPointer?.self)
      current.deallocate()
    }
  }

  /// `bytes` of uninitialized memory, aligned for every C type, or nil when the arena's bound is reached.
  @inline(__always)
  public mutating func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let rounded = (bytes &+ (Arena.alignment - 1)) & ~(Arena.alignment - 1)
    guard bytes >= 0, rounded >= bytes, rounded <= bytesLeft else {
      isExhausted = true
      return nil
    }
    bytesLeft &-= rounded
    if end - cursor < rounded { addChunk(holding: rounded) }
    defer { cursor += rounded }
    return cursor
  }

  private mutating func addChunk(holding bytes: Int) {
    let size = max(nextChunkBytes, bytes + Arena.alignment)
    let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: Arena.alignment)
    chunk.storeBytes(of: lastChunk, as: UnsafeMutableRawPointer?.self)
    lastChunk = chunk
    nextChunkBytes = min(size * 2, 1 << 20)
    cursor = chunk + Arena.alignment
    end = chunk + size
  }
}
