import Synchronization

/// Names one call among all that a server ever took: in its log, and to callers who are only told that something
/// failed inside. Unlike a random id it costs nothing until it is written down.
public struct CallID: Sendable, Hashable, CustomStringConvertible {
  /// Names one connection among all that a server ever took.
  public struct Connection: Sendable, Hashable {
    // Tells the connections of one start of the program from those of another.
    private static let process = UInt32.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    fileprivate let number: UInt64

    /// The next connection.
    public init() { number = Self.count.add(1, ordering: .relaxed).newValue }

    fileprivate var text: String { "\(String(Self.process, radix: 16))-\(number)" }
  }

  private let connection: Connection
  private let stream: Int32

  /// The call on `stream` of `connection`.
  public init(connection: Connection, stream: Int32) {
    self.connection = connection
    self.stream = stream
  }

  /// Such as `5f3a9c01-17-3`.
  public var description: String { "\(connection.text)-\(stream)" }
}
