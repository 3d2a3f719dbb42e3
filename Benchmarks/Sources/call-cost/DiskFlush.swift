import Foundation

/// What the disk itself does: the ceiling for durable calls of one caller.
enum DiskFlush {
  /// Appends of 4 KiB, each flushed, a second.
  static func perSecond(folder: String, count: Int) throws -> Double {
    let path = folder + "/flush"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BenchmarkFailure("\(path): \(String(cString: strerror(errno)))") }
    defer {
      close(descriptor)
      unlink(path)
    }
    let page = [UInt8](repeating: 1, count: 4096)
    let duration = try ContinuousClock().measure {
      for _ in 0..<count {
        guard write(descriptor, page, page.count) == page.count, fdatasync(descriptor) == 0 else {
          throw BenchmarkFailure("\(path): \(String(cString: strerror(errno)))")
        }
      }
    }
    return Double(count) / (duration / .seconds(1))
  }
}
