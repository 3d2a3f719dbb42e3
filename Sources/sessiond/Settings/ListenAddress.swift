/// Where to listen.
struct ListenAddress: Sendable, CustomStringConvertible {
  let host: String
  let port: Int

  /// Reads `HOST:PORT`; an IPv6 address stands in brackets, and nothing else does.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    // `UInt16` alone would take a sign.
    guard digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains), let port = UInt16(digits) else {
      return nil
    }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, host.contains(":") == isBracketed, !host.contains(where: { $0 == "[" || $0 == "]" }) else {
      return nil
    }
    self.host = String(host)
    self.port = Int(port)
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
