import FoundationEssentials

/// Who may call, as text that people edit: a line for each, and comments.
///
///     # Who may call, and as what.
///     token deploy operator sha256:7f83b165... expires:2027-01-31T00:00:00Z
///     token dashboard reader sha256:ef2d127d...
///     certificate operator CN=agent-7,O=fleet
///
/// A token's name has 1 to 64 letters, digits, `-`, `_`, `.` and `@`. A certificate's subject is the rest of its line,
/// as RFC 4514 writes it. Times are in UTC.
public struct AccessFile: Sendable {
  /// A token that lets its bearer in.
  public struct Token: Sendable, Hashable {
    /// The bearer's name, for logs.
    public let name: String
    /// What the bearer may do.
    public let role: Role
    /// What is known of the token.
    public let hash: TokenHash
    /// When it stops being valid, in seconds since 1970 in UTC; nil for never.
    public let expires: Int?

    /// A token's entry; nil if `name` is not one.
    public init?(name: String, role: Role, hash: TokenHash, expires: Int?) {
      let isName =
        (1...64).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "@"):
            true
          default: false
          }
        }
      guard isName else { return nil }
      self.name = name
      self.role = role
      self.hash = hash
      self.expires = expires
    }

    fileprivate var line: String {
      let expiry = expires.map { " expires:\(timeText($0))" } ?? ""
      return "token \(name) \(role.rawValue) sha256:\(hash.hexadecimal)\(expiry)"
    }

    /// `expires` as the file has it.
    public var expiryText: String? { expires.map(timeText) }
  }

  /// A certificate that lets its owner in.
  public struct Certificate: Sendable, Hashable {
    /// Its subject as RFC 4514 writes it.
    public let subject: String
    /// What its owner may do.
    public let role: Role
  }

  private enum Entry {
    case nothing
    case token(Token)
    case certificate(Certificate)
  }

  private var lines: [(text: String, entry: Entry)] = []
  /// The tokens, in the file's order.
  public var tokens: [Token] { lines.compactMap { if case .token(let token) = $0.entry { token } else { nil } } }
  /// The certificates, in the file's order.
  public var certificates: [Certificate] {
    lines.compactMap { if case .certificate(let certificate) = $0.entry { certificate } else { nil } }
  }

  /// Nobody.
  public init() {}

  /// Reads `text`.
  /// - Throws: `AccessFileError` for the first line that is wrong. It never holds what the line says, which may be a
  ///   secret in the wrong place.
  public init(parsing text: String) throws(AccessFileError) {
    var names: Set<String> = []
    var hashes: Set<TokenHash> = []
    var subjects: Set<String> = []
    var rest = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    if rest.last?.isEmpty == true { rest.removeLast() }
    for (index, line) in rest.enumerated() {
      func fail(_ problem: String) -> AccessFileError { AccessFileError(line: index + 1, problem: problem) }
      let entry: Entry
      do {
        entry = try Self.parse(line)
      } catch {
        throw fail(error.text)
      }
      switch entry {
      case .nothing: break
      case .token(let token):
        guard names.insert(token.name).inserted else { throw fail("another token has this name") }
        guard hashes.insert(token.hash).inserted else { throw fail("another token has this hash") }
      case .certificate(let certificate):
        guard subjects.insert(certificate.subject).inserted else { throw fail("this subject has a role already") }
      }
      lines.append((String(line), entry))
    }
  }

  /// The file, comments and all.
  public var text: String { lines.map { $0.text + "\n" }.joined() }

  /// Adds a token at the end; false if another has its name.
  public mutating func add(_ token: Token) -> Bool {
    guard !tokens.contains(where: { $0.name == token.name }) else { return false }
    lines.append((token.line, .token(token)))
    return true
  }

  /// Removes a token; false if none has this name.
  public mutating func removeToken(named name: String) -> Bool {
    let count = lines.count
    lines.removeAll { if case .token(let token) = $0.entry { token.name == name } else { false } }
    return lines.count < count
  }

  // MARK: Lines

  private struct Problem: Error {
    let text: String
  }

  private static func parse(_ line: Substring) throws(Problem) -> Entry {
    let words = line.split { $0 == " " || $0 == "\t" }
    switch words.first {
    case nil: return .nothing
    case let first? where first.hasPrefix("#"): return .nothing
    case "token": return .token(try parseToken(words.dropFirst()))
    case "certificate":
      guard words.count >= 3 else { throw Problem(text: "expected certificate ROLE SUBJECT") }
      // The subject may have spaces of its own.
      let subject = line[words[2].startIndex..<(words.last?.endIndex ?? line.endIndex)]
      return .certificate(Certificate(subject: String(subject), role: try parseRole(words[1])))
    default: throw Problem(text: "expected token, certificate or a comment")
    }
  }

  private static func parseToken(_ words: ArraySlice<Substring>) throws(Problem) -> Token {
    let words = Array(words)
    guard words.count == 3 || words.count == 4 else {
      throw Problem(text: "expected token NAME ROLE sha256:HASH, and expires:TIME if it does")
    }
    let role = try parseRole(words[1])
    guard words[2].hasPrefix("sha256:"), let hash = TokenHash(hexadecimal: words[2].dropFirst(7)) else {
      throw Problem(text: "expected sha256: and 64 hexadecimal digits")
    }
    var expires: Int?
    if words.count == 4 {
      guard words[3].hasPrefix("expires:"), let time = parseTime(words[3].dropFirst(8)) else {
        throw Problem(text: "expected expires: and a time such as 2027-01-31T00:00:00Z")
      }
      expires = time
    }
    guard let token = Token(name: String(words[0]), role: role, hash: hash, expires: expires) else {
      throw Problem(text: "a name has 1 to 64 letters, digits, -, _, . and @")
    }
    return token
  }

  private static func parseRole(_ word: Substring) throws(Problem) -> Role {
    guard let role = Role(rawValue: String(word)) else {
      throw Problem(text: "expected a role: \(Role.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return role
  }

  private static func parseTime(_ text: Substring) -> Int? {
    // The strategy also takes other forms; ours is the one that it writes, in the years of four digits.
    guard text.utf8.count == 20, let date = try? Date(String(text), strategy: .iso8601) else { return nil }
    let seconds = Int(date.timeIntervalSince1970)
    return timeText(seconds) == text ? seconds : nil
  }
}

private func timeText(_ seconds: Int) -> String {
  Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
}

/// A line of an access file that is wrong.
public struct AccessFileError: Error, Hashable, CustomStringConvertible {
  /// Its number, from 1.
  public let line: Int
  /// What was expected there.
  public let problem: String

  /// Line and problem.
  public var description: String { "line \(line): \(problem)" }
}
