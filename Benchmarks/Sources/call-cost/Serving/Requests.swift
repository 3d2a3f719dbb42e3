import Foundation

/// The requests that the benchmark sends, packed by hand: h2load needs their bytes only, and so this package needs none
/// of the runtime that it measures.
enum Requests {
  /// A CreateSession whose session, sent back by GetSession, takes about 300 bytes.
  static let createSession = framed(
    field(
      1,
      varint(2, 2)  // SESSION_TYPE_DEPARTMENT
        + text(3, "benchmark department") + text(5, "/srv/workspaces/benchmark")
        + metadata(["domain": "measurement", "owner": "benchmarks"])
        + text(7, "batch-processing") + text(7, "report-generation")
        + text(8, "max-memory:4gb")
        + field(9, text(1, "REGION") + text(2, "eu-central-1"))))

  static func getSession(_ id: String) -> Data { framed(text(1, id)) }

  /// The first page of 50 of one type and one status; the latest activity first, or the oldest session.
  static func listSessions(type: UInt64, status: UInt64, latestFirst: Bool) -> Data {
    // Field 5 is an order, and 2 in it the descending direction.
    let order = latestFirst ? field(5, text(1, "lastActivity") + varint(2, 2)) : []
    return framed(varint(1, type) + varint(2, status) + order + varint(6, 50))
  }

  /// The first page of 50 whose metadata has a text at a key.
  static func listSessions(whereMetadata key: String, is value: String, latestFirst: Bool) -> Data {
    let order = latestFirst ? field(5, text(1, "lastActivity") + varint(2, 2)) : []
    return framed(text(3, "metadata->>'\(key)' = ?") + field(4, text(3, value)) + order + varint(6, 50))
  }

  static func searchSessions(_ query: String) -> Data { framed(text(1, query) + varint(2, 50)) }

  /// Every event kept after `sequence`; from the oldest one on with 0.
  static func watchEvents(after sequence: Int64) -> Data {
    framed(sequence == 0 ? varint(6, 1) : varint(4, UInt64(sequence)))
  }

  /// A new name for a session.
  static func updateSession(_ id: String, name: String) -> Data { framed(field(1, text(1, id) + text(3, name))) }

  /// A report of one task, with how long it took, and of the memory in use.
  static func report(of id: String) -> Data {
    let milliseconds = withUnsafeBytes(of: (12.5).bitPattern.littleEndian) { Array($0) }
    return framed(text(1, id) + varint(2, 500_000_000) + varint(4, 1) + field(6, milliseconds))
  }

  /// A request without fields.
  static let nothing = framed([])

  /// `google.protobuf.Struct` with texts as values.
  private static func metadata(_ members: KeyValuePairs<String, String>) -> [UInt8] {
    field(6, members.flatMap { key, value in field(1, text(1, key) + field(2, text(3, value))) })
  }

  /// A gRPC message: not compressed, its length, its bytes.
  private static func framed(_ message: [UInt8]) -> Data {
    Data([0] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message)
  }

  private static func text(_ number: UInt64, _ value: String) -> [UInt8] { field(number, Array(value.utf8)) }

  private static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
  }

  private static func varint(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

  static func varint(_ value: UInt64) -> [UInt8] {
    value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + varint(value >> 7)
  }
}
