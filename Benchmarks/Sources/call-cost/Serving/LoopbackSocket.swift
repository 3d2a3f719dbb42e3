import Foundation

/// A blocking TCP connection to this machine's own address. It is closed with its last reference.
final class LoopbackSocket {
  private static let patience = timeval(tv_sec: 5, tv_usec: 0)

  private let descriptor: Int32

  /// Connects. What the other end then keeps waiting for more than 5 seconds, fails.
  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    // Every write is one that the other end waits for.
    guard descriptor >= 0, set(SOL_SOCKET, SO_RCVTIMEO, Self.patience), set(SOL_SOCKET, SO_SNDTIMEO, Self.patience),
      set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1)),
      Loopback.withAddress(port: port, { connect(descriptor, $0, $1) }) == 0
    else { throw failure("cannot connect") }
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8]) throws {
    guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw failure("cannot send")
    }
  }

  func read(_ count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      guard count > 0 else { return }
      let received = recv(descriptor, buffer.baseAddress, count, Int32(MSG_WAITALL))
      guard received == count else {
        throw received < 0 ? failure("cannot receive") : BenchmarkFailure("a connection closed, or paused for too long")
      }
      filled = count
    }
  }

  /// Reads what is there; none where nothing is.
  func readAvailable(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let received = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
    if received > 0 { return received }
    guard received < 0 else { throw BenchmarkFailure("a connection closed") }
    guard errno == EAGAIN else { throw failure("cannot receive") }
    return 0
  }

  /// For poll(2), to wait for something to read.
  var polled: pollfd { pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0) }

  /// Returns when there is something to read.
  func waitForInput() throws { _ = try Self.readable([polled]) }

  /// The indexes of those that have something to read; at least one, which must come within the time that a read has.
  static func readable(_ polled: [pollfd]) throws -> [Int] {
    let indexes = readable(polled, milliseconds: Int32(patience.tv_sec * 1000))
    guard !indexes.isEmpty else { throw BenchmarkFailure("connections paused for too long") }
    return indexes
  }

  /// The indexes of those that have something to read now.
  static func readableNow(_ polled: [pollfd]) -> [Int] { readable(polled, milliseconds: 0) }

  private static func readable(_ polled: [pollfd], milliseconds: Int32) -> [Int] {
    var polled = polled
    guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return [] }
    return polled.indices.filter { polled[$0].revents != 0 }
  }

  /// Whether the other end has not closed; what it sent is thrown away.
  func isOpen() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 1024)
    var received = bytes.count
    while received > 0 { received = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT)) }
    return received < 0 && errno == EAGAIN
  }

  private func set<Value>(_ level: Int32, _ option: Int32, _ value: Value) -> Bool {
    withUnsafePointer(to: value) { setsockopt(descriptor, level, option, $0, socklen_t(MemoryLayout<Value>.size)) } == 0
  }

  private func failure(_ what: String) -> BenchmarkFailure {
    BenchmarkFailure("\(what): \(String(cString: strerror(errno)))")
  }
}
