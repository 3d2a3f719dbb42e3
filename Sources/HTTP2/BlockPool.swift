import CNghttp2
import Glibc

/// Memory for one connection's nghttp2, which allocates and frees the same few sizes for every stream: freed blocks
/// are kept by size and handed out again. What is kept is bounded. It must outlive the session.
final class BlockPool {
  // Where nghttp2 finds it.
  private let blocks: UnsafeMutablePointer<Blocks>

  init(keptBytesMax: Int) {
    blocks = .allocate(capacity: 1)
    blocks.initialize(to: Blocks(keptBytesMax: keptBytesMax))
  }

  deinit {
    blocks.pointee.freeKept()
    blocks.deallocate()
  }

  /// The pool as nghttp2 knows it.
  var functions: nghttp2_mem {
    nghttp2_mem(
      mem_user_data: blocks,
      malloc: { bytes, pool in pool?.assumingMemoryBound(to: Blocks.self).pointee.allocate(bytes) },
      free: { block, pool in
        guard let block else { return }
        pool?.assumingMemoryBound(to: Blocks.self).pointee.release(block)
      },
      calloc: { count, bytes, pool in
        let (size, overflow) = count.multipliedReportingOverflow(by: bytes)
        guard !overflow, let block = pool?.assumingMemoryBound(to: Blocks.self).pointee.allocate(size) else {
          return nil
        }
        return memset(block, 0, size)
      },
      realloc: { block, bytes, pool in
        guard let block else { return pool?.assumingMemoryBound(to: Blocks.self).pointee.allocate(bytes) }
        return pool?.assumingMemoryBound(to: Blocks.self).pointee.reallocate(block, bytes)
      })
  }
}

private struct Blocks {
  // Blocks of 32, 64, ... 512 bytes; larger ones go to malloc and back.
  private static let classBytes = 32
  private static let classes = 16
  // Before each block: its class and size, in as many bytes as keep the block aligned.
  private static let headerBytes = 16
  // nghttp2's buffer for frames has this size at least, and is mostly empty: from the system itself, the pages that it
  // never touches cost nothing, 12 KiB a connection.
  private static let mappedBytesMin = 16 << 10

  private struct Header {
    let sizeClass: Int
    let bytes: Int
  }

  private let kept: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var keptBytes = 0
  private let keptBytesMax: Int

  init(keptBytesMax: Int) {
    self.keptBytesMax = keptBytesMax
    kept = .allocate(capacity: Self.classes + 1)
    kept.initialize(repeating: nil, count: Self.classes + 1)
  }

  func freeKept() {
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
  mutating func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    // What C has as 2^63 and more is less than 0 here, and is refused there.
    guard 0...(Self.classes * Self.classBytes) ~= bytes else { return make(bytes, sizeClass: 0, bytes: bytes) }
    let sizeClass = (max(bytes, 1) &+ Self.classBytes &- 1) / Self.classBytes
    let size = sizeClass &* Self.classBytes
    guard let block = kept[sizeClass] else { return make(size, sizeClass: sizeClass, bytes: size) }
    kept[sizeClass] = block.load(as: UnsafeMutableRawPointer?.self)
    keptBytes &-= size
    return block
  }

  @inline(never)
  private func make(_ size: Int, sizeClass: Int, bytes: Int) -> UnsafeMutableRawPointer? {
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
  mutating func release(_ block: UnsafeMutableRawPointer) {
    let header = header(of: block)
    // Both are bounded: a size by the largest class, or by what one program can have.
    guard header.sizeClass > 0, keptBytes &+ header.bytes <= keptBytesMax else {
      return giveBack(block, bytes: header.bytes)
    }
    block.storeBytes(of: kept[header.sizeClass], as: UnsafeMutableRawPointer?.self)
    kept[header.sizeClass] = block
    keptBytes &+= header.bytes
  }

  mutating func reallocate(_ block: UnsafeMutableRawPointer, _ bytes: Int) -> UnsafeMutableRawPointer? {
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
}
