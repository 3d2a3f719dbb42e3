import CMalloc
import Glibc
import ServiceLifecycle

/// Gives back to the system what the allocator keeps after a surge, such as of long requests. By itself glibc gives
/// back only the end of its heaps (mallopt(3), M_TRIM_THRESHOLD), and a small block that lives on there holds all that
/// lies before it.
struct MemoryTrim: Service {
  private static let interval = Duration.seconds(2)
  // Less is soon used again.
  private static let worthwhileBytes = 8 << 20

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var kept = 0
      // Cancellation is how the loop ends.
      while (try? await Task.sleep(for: Self.interval)) != nil {
        // What was given back stays among what is free: only memory that came back since then is worth another look.
        guard Int(mallinfo2().fordblks) >= Self.worthwhileBytes, residentBytes() >= kept + Self.worthwhileBytes / 2
        else { continue }
        malloc_trim(0)
        kept = residentBytes()
      }
    }
  }
}

/// The memory of the program that is in use, in bytes (proc(5), statm); 0 where that is not told.
private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "re") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 128)
  guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
  let words = line.prefix { $0 != 0 }.split(separator: CChar(UInt8(ascii: " ")))
  guard words.count > 1, let pages = Int(String(decoding: words[1].map(UInt8.init(bitPattern:)), as: UTF8.self)) else {
    return 0
  }
  return pages * Int(getpagesize())
}
