import SessionDomain

@testable import sessiond

extension FuzzTarget {
  static let values = [sessionID, units, constraint, listenAddress]

  private static let sessionID = FuzzTarget(
    "session-id", texts: ["01890a5d-ac96-774b-bcce-b302099a8057", "01890A5D-AC96-774B-BCCE-B302099A8057"]
  ) { text in
    guard let id = SessionID(text) else { return }
    expect(id.description == text.lowercased(), "\(text) became \(id)")
    expect(SessionID(id.description) == id, "\(id) is another")
  }

  private static let units = FuzzTarget(
    "units", texts: ["4gb", "0.5", "500m", "1.5Ti", "12345678901234567890", "8388608tib", "0.00000000000000000001g"],
    words: ["gb", "Ki", "tib", ".", "m"]
  ) { text in
    let factors: [UInt8: Double] = [
      UInt8(ascii: "k"): 0x1p10, UInt8(ascii: "m"): 0x1p20, UInt8(ascii: "g"): 0x1p30, UInt8(ascii: "t"): 0x1p40,
    ]
    let number = text.utf8.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    let suffix = text.utf8.dropFirst(number.count).first.map { $0 | 0x20 }
    let decimal = Double(String(decoding: number, as: UTF8.self)) ?? .nan
    if let bytes = Units.bytes(text) { compare(bytes, decimal * (suffix.flatMap { factors[$0] } ?? 1), text) }
    if let millicores = Units.millicores(text) { compare(millicores, decimal * (suffix == nil ? 1000 : 1), text) }
    if let count = Units.count(text) { compare(count, decimal, text) }
  }

  private static func compare(_ value: Int64, _ expected: Double, _ text: String) {
    expect(value >= 0 && abs(Double(value) - expected) <= 0.5 + expected * 1e-9, "\(text) is \(value)")
  }

  private static let constraint = FuzzTarget(
    "constraint",
    texts: [
      "max-memory:4gb", "max-cpu:0.5", "max-disk:10gb", "max-queue:100", "timeout:300000", "cpu-priority:high",
      "other-1:a:b",
    ], words: ["max-memory:", "max-cpu:", "max-disk:", "max-queue:", "timeout:", "cpu-priority:"]
  ) { text in
    switch Constraint.parse(text) {
    case .failure(let error): expect(!error.expected.isEmpty, "an error says nothing")
    case .success(let constraint):
      let value: Int64
      switch constraint.value {
      case .memoryBytesMax(let limit), .cpuMillicoresMax(let limit), .diskBytesMax(let limit),
        .queuedMessagesMax(let limit), .timeout(let limit):
        value = limit
      case .cpuPriority: value = 0
      case .unknown(let text): value = text.isEmpty ? 0 : 1
      }
      expect(value >= 0, "\(text) is \(value)")
      expect(text.utf8.starts(with: "\(constraint.name):".utf8), "\(text) is \(constraint.name)")
    }
  }

  private static let listenAddress = FuzzTarget(
    "listen-address", texts: ["127.0.0.1:50051", "[::1]:0", "localhost:65535", "[fe80::1%eth0]:80"],
    words: ["[", "]", ":", "65535", "65536"]
  ) { text in
    guard let address = ListenAddress(text) else { return }
    expect(!address.host.isEmpty && (0...65535).contains(address.port), "\(text) is \(address)")
    expect(!address.host.contains { $0 == "[" || $0 == "]" }, "\(text) is the host \(address.host)")
    let digits = text.utf8.reversed().prefix { $0 != UInt8(ascii: ":") }
    expect(digits.allSatisfy { (0x30...0x39).contains($0) }, "\(text) has a port of \(address.port)")
    let again = ListenAddress(address.description)
    expect(again?.host == address.host && again?.port == address.port, "\(text) became \(address)")
  }
}
