import CNghttp2
import Glibc

/// Memory for one connection's nghttp2, which allocates and frees the same few sizes for every stream: freed blocks
/// are kept by size and handed out again. What is kept is bounded.
///
/// A class, since nghttp2 keeps its address. It must outlive the session.
final class BlockPool {
  // Blocks of 32, 64, ... 512 bytes; larger ones go to malloc and back.
  private static let classBytes = 32
  private static let classes = 16
  // Before each block: its class and size, in as many bytes as keep the block aligned.
  private static let headerBytes = 16
  // nghttp2's buffer for frames has this size at least, and is mostly empty: from the system itself, the pages that it
  // never touches cost nothing, 12 KiB a connection.
  private static let mappedBytesMin = 16 << 10

  private struct Header {
    let sizeClass: UInt32
    let bytes: Int
  }

  @exclusivity(unchecked) private var kept: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  @exclusivity(unchecked) private var keptBytes = 0
  private let keptBytesMax: Int

  init(keptBytesMax: Int) {
    self.keptBytesMax = keptBytesMax
    kept = .allocate(capacity: Self.classes + 1)
    kept.initialize(repeating: nil, count: Self.classes + 1)
  }

  deinit {
    for sizeClass in 1...Self.classes {
      while let block = kept[sizeClass] {
        kept[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
        free(block - Self.headerBytes)
      }
    }
    kept.deallocate()
  }

  // Inlined: nghttp2 allocates and frees a dozen times a call, each time through a function of C's.
  @inline(__always)
  func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    // What C has as 2^63 and more is less than 0 here, and is refused there.
    guard 0...(Self.classes * Self.classBytes) ~= bytes else { return make(bytes, sizeClass: 0, bytes: bytes) }
    let sizeClass = (max(bytes, 1) &+ Self.classBytes &- 1) / Self.classBytes
    let size = sizeClass &* Self.classBytes
    guard let block = kept[sizeClass] else { return make(size, sizeClass: UInt32(sizeClass), bytes: size) }
    kept[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
    keptBytes &-= size
    return block
  }

  @inline(never)
  private func make(_ size: Int, sizeClass: UInt32, bytes: Int) -> UnsafeMutableRawPointer? {
    let (whole, overflow) = size.addingReportingOverflow(Self.headerBytes)
    guard !overflow, size >= 0 else { return nil }
    guard let base = size < Self.mappedBytesMin ? malloc(whole) : map(whole) else { return nil }
    base.storeBytes(of: Header(sizeClass: sizeClass, bytes: bytes), as: Header.self)
    return base + Self.headerBytes
  }

  private func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return base == MAP_FAILED ? nil : base
  }

  @inline(never)
  private func giveBack(_ block: UnsafeMutableRawPointer, bytes: Int) {
    let base = block - Self.headerBytes
    if bytes < Self.mappedBytesMin { free(base) } else { munmap(base, bytes + Self.headerBytes) }
  }

  @inline(__always)
  func release(_ block: UnsafeMutableRawPointer) {
    let header = header(of: block)
    let sizeClass = Int(header.sizeClass)
    guard sizeClass > 0, keptBytes + header.bytes <= keptBytesMax else {
      return giveBack(block, bytes: header.bytes)
    }
    block.storeBytes(of: kept[sizeClass], as: UnsafeMutableRawPointer?.self)
    kept[sizeClass] = block
    keptBytes += header.bytes
  }

  func reallocate(_ block: UnsafeMutableRawPointer, _ bytes: Int) -> UnsafeMutableRawPointer? {
    let old = header(of: block).bytes
    if bytes <= old { return block }
    guard let larger = allocate(bytes) else { return nil }
    larger.copyMemory(from: block, byteCount: old)
    release(block)
    return larger
  }

  private func header(of block: UnsafeMutableRawPointer) -> Header {
    (block - Self.headerBytes).load(as: Header.self)
  }

  /// The pool as nghttp2 knows it.
  var functions: nghttp2_mem {
    nghttp2_mem(
      mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
      malloc: { bytes, pool in withPool(pool, nil) { $0.allocate(bytes) } },
      free: { block, pool in
        guard let block else { return }
        withPool(pool, ()) { $0.release(block) }
      },
      calloc: { count, bytes, pool in
        let (size, overflow) = count.multipliedReportingOverflow(by: bytes)
        guard !overflow, let block = withPool(pool, nil, { $0.allocate(size) }) else { return nil }
        block.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return block
      },
      realloc: { block, bytes, pool in
        withPool(pool, nil) { pool in
          guard let block else { return pool.allocate(bytes) }
          return pool.reallocate(block, bytes)
        }
      })
  }
}

@inline(__always)
private func withPool<Result>(
  _ opaque: UnsafeMutableRawPointer?, _ otherwise: Result, _ body: (BlockPool) -> Result
) -> Result {
  guard let opaque else { return otherwise }
  return Unmanaged<BlockPool>.fromOpaque(opaque)._withUnsafeGuaranteedRef(body)
}
