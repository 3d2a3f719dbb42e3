import Crypto

/// A secret that names its bearer (RFC 6750): a prefix by which scanners know leaked ones, and 162 random bits in the
/// digits of base64url (RFC 4648 section 5). RFC 6749 section 10.10 wants 160: more would make every call longer, and
/// guessing no less hopeless. Only its hash is ever stored.
public struct AccessToken: Sendable {
  /// The secret itself.
  public let text: String

  /// A new token.
  public init(prefix: String, using generator: inout some RandomNumberGenerator) {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var text = prefix
    for _ in 0..<27 { text.append(digits[Int.random(in: 0..<64, using: &generator)]) }
    self.text = text
  }

  /// What is stored of it.
  public var hash: TokenHash { TokenHash(of: text.utf8) }
}

/// The SHA-256 of a token. A token has 162 random bits, so that a fast hash without salt hides it well. Comparing
/// hashes takes the same time whatever they are.
public struct TokenHash: Sendable, Hashable {
  private let words: SIMD4<UInt64>

  private init(_ bytes: some Sequence<UInt8>) {
    var words = SIMD4<UInt64>()
    for (index, byte) in bytes.prefix(32).enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
    self.words = words
  }

  /// The hash of `token`.
  public init(of token: some Sequence<UInt8>) {
    var hasher = SHA256()
    hasher.update(data: Array(token))
    self.init(hasher.finalize())
  }

  /// Reads 64 hexadecimal digits; nil for anything else.
  public init?(hexadecimal: some StringProtocol) {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in hexadecimal {
      guard character.isASCII, let digit = character.hexDigitValue.map(UInt8.init) else { return nil }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    guard bytes.count == 32, high == nil else { return nil }
    self.init(bytes)
  }

  /// 64 hexadecimal digits.
  public var hexadecimal: String {
    (0..<4).map { index in
      let digits = String(words[index], radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Equal when all bits are, which is found out without stopping at the first that is not.
  public static func == (left: Self, right: Self) -> Bool {
    let difference = left.words ^ right.words
    return difference[0] | difference[1] | difference[2] | difference[3] == 0
  }

  /// Hashes some of the bits: they are random by themselves.
  public func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }
}
