import Glibc
import NIOSSL
import RPCServices
import X509

@testable import RPCTransport

extension FuzzTarget {
  static let access = [accessFile, tokenHash, certificateSubject]

  private static let hash = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069"

  private static let accessFile = FuzzTarget(
    "access-file",
    texts: [
      "# Who may call.\ntoken deploy operator sha256:\(hash) expires:2027-01-31T00:00:00Z\n\ncertificate reader CN=a, b\n",
      "token a@b-c_d.e reader sha256:\(hash.uppercased())\r\n \tcertificate\tadmin\tCN=\u{E4}\\,x+O=fleet",
      "token a reader sha256:\(hash) expires:1969-12-31T23:59:59Z\u{2028}token b admin sha256:0\(hash.dropFirst())",
      "certificate operator CN=a\ncertificate reader CN=a", "token", "certificate reader", "sha256:\(hash)",
    ],
    words: [
      "token ", "certificate ", " reader ", " operator ", " admin ", "sha256:", hash, " expires:",
      "2027-01-31T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "+01:00", "\n",
    ]
  ) { text in
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
    let file: AccessFile
    do throws(AccessFileError) {
      file = try AccessFile(parsing: text)
    } catch {
      expect((1...lines.count).contains(error.line) && !error.problem.isEmpty, "\(error) is in no line")
      // A secret in the wrong place stays there. The longest word that an error has of its own is a time.
      let words = lines[error.line - 1].split { $0 == " " || $0 == "\t" }.filter { $0.utf8.count > 20 }
      let told = Array("\(error)".utf8)
      let tells = told.indices.contains { index in words.contains { told[index...].starts(with: $0.utf8) } }
      return expect(!tells, "an error tells what a line says: \(error)")
    }
    try check(file, lines)
  }

  private static func check(_ file: AccessFile, _ lines: [Substring]) throws {
    let words = lines.map { $0.split { $0 == " " || $0 == "\t" } }
    let tokens = words.filter { $0.first == "token" }
    expect(tokens.count == file.tokens.count, "\(tokens.count) lines have \(file.tokens.count) tokens")
    for (words, token) in zip(tokens, file.tokens) {
      let read = ["token", token.name, token.role.rawValue, "sha256:\(token.hash.hexadecimal)"]
      expect(
        words.prefix(3) + [Substring(words[3].lowercased())] == read[...].map { Substring($0) }, "\(words) is \(read)")
      expect((words.count == 5 ? words[4] : nil) == token.expiryText.map { "expires:\($0)" }, "\(words) ends otherwise")
      // What Foundation counts before the calendar's reform, `timegm` counts otherwise.
      if words.count == 5, words[4].dropFirst(8) > "1583" {
        expect(token.expires == seconds(words[4].dropFirst(8)), "\(words) ends at another time")
      }
    }
    let certificates = words.filter { $0.first == "certificate" }
    expect(certificates.count == file.certificates.count, "certificates are left out")
    for (words, certificate) in zip(certificates, file.certificates) {
      expect(words[1] == certificate.role.rawValue, "\(words) has another role")
      let subject = certificate.subject.split { $0 == " " || $0 == "\t" }
      expect(words.dropFirst(2) == subject[...], "\(words) has another subject")
    }
    expect(Set(file.tokens.map(\.name)).count == tokens.count, "two tokens have one name")
    expect(Set(file.tokens.map(\.hash)).count == tokens.count, "two tokens have one hash")
    expect(Set(file.certificates.map(\.subject)).count == certificates.count, "two roles have one subject")

    var changed = try AccessFile(parsing: file.text)
    expect(changed.tokens == file.tokens && changed.certificates == file.certificates, "a file reads back otherwise")
    guard let first = file.tokens.first else { return }
    expect(changed.removeToken(named: first.name) && !changed.removeToken(named: first.name), "\(first) stays")
    expect(changed.add(first) && !changed.add(first), "\(first) is not added once")
    let again = try AccessFile(parsing: changed.text)
    expect(again.tokens == file.tokens.dropFirst() + [first], "a changed file reads back otherwise")
    expect(again.certificates == file.certificates, "a change of tokens changes certificates")
  }

  // Of a time such as 2027-01-31T00:00:00Z.
  private static func seconds(_ text: Substring) -> Int {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int32 { Int32(String(decoding: bytes[range], as: UTF8.self)) ?? -1 }
    var parts = tm()
    parts.tm_year = number(0..<4) - 1900
    parts.tm_mon = number(5..<7) - 1
    parts.tm_mday = number(8..<10)
    parts.tm_hour = number(11..<13)
    parts.tm_min = number(14..<16)
    parts.tm_sec = number(17..<19)
    return timegm(&parts)
  }

  private static let tokenHash = FuzzTarget(
    "token-hash", texts: [hash, hash.uppercased(), "\(hash)0", String(hash.dropLast()), "\u{FF11}\(hash.dropFirst())"]
  ) { text in
    let isHash = text.utf8.count == 64 && text.utf8.allSatisfy { isxdigit(Int32($0)) != 0 }
    guard let read = TokenHash(hexadecimal: text) else { return expect(!isHash, "\(text) is refused") }
    expect(isHash && read.hexadecimal == text.lowercased(), "\(text) became \(read.hexadecimal)")
    expect(TokenHash(hexadecimal: read.hexadecimal) == read, "\(text) differs from itself")
    // Each digit counts.
    for index in 0..<64 {
      var digits = Array(read.hexadecimal)
      digits[index] = digits[index] == "0" ? "1" : "0"
      expect(TokenHash(hexadecimal: String(digits)) != read, "digit \(index) of \(text) is not looked at")
    }
  }

  /// The bytes of a certificate, or the attributes of its subject: whether each begins a part, its type, its kind of
  /// text, and its value.
  private static let certificateSubject = FuzzTarget(
    "certificate-subject",
    seeds: [
      [1] + attribute(1, 1, 0, "fleet") + attribute(1, 0, 0, "agent-7"), [1],
      [1] + attribute(1, 0, 0, "a,O=fleet") + attribute(0, 1, 1, "b+c"),
      [1] + attribute(1, 0, 2, " #a\"\\;<>= ") + attribute(1, 2, 3, "") + attribute(1, 3, 4, "\u{1}"),
      [1] + attribute(1, 4, 0, "a\n\u{E4}"),
      [0] + DER.certificate(subject: [0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 85, 4, 3, 12, 1, 97]),
    ], words: [",O=", "+", "\\", "\\,", "#", " ", "="]
  ) { input in
    let isSubject = input.takeByte() & 1 == 1
    let bytes = isSubject ? DER.certificate(subject: name(&input)) : input.takeRest()
    // The handshake gives BoringSSL's certificate.
    guard let certificate = try? NIOSSLCertificate(bytes: bytes, format: .der) else { return }
    guard let text = CertificateSubject.text(of: certificate) else { return }
    expect(!text.isEmpty, "an empty subject names somebody")
    expect(CertificateSubject.text(of: certificate) == text, "a subject is another the second time")
    let subject = try Certificate(derEncoded: certificate.toDERBytes()).subject
    // The last part comes first (RFC 4514 section 2.1).
    let parts = subject.reversed().map { $0.map { String($0.value) } }
    let read = WrittenSubject(text).parts
    expect(read.map(\.count) == parts.map(\.count), "\(text) has other parts than the subject")
    for (one, other) in zip(read.joined(), parts.joined()) {
      // What is no text has no value that could be compared.
      expect(other == nil || other == one, "\(text) has \(one), not \(other ?? "")")
    }
  }

  private static func attribute(_ isNext: UInt8, _ type: UInt8, _ kind: UInt8, _ value: String) -> [UInt8] {
    [isNext, type, kind] + FuzzInput.piece(value)
  }

  private static func name(_ input: inout FuzzInput) -> [UInt8] {
    var parts: [[[UInt8]]] = []
    while !input.isEmpty {
      let isNext = input.takeByte() & 1 == 1 || parts.isEmpty
      // CN, O, OU, C and what has no short name; UTF8String, PrintableString, IA5String, T61String and OCTET STRING.
      let types: [UInt8] = [3, 10, 11, 6, 9]
      let tags: [UInt8] = [12, 19, 22, 20, 4]
      let type = types[Int(input.takeByte()) % types.count]
      let value = DER.node(tags[Int(input.takeByte()) % tags.count], input.takePiece())
      if isNext { parts.append([]) }
      parts[parts.count - 1].append(DER.node(0x30, [6, 3, 85, 4, type] + value))
    }
    return DER.node(0x30, parts.map { DER.node(0x31, $0) })
  }
}
