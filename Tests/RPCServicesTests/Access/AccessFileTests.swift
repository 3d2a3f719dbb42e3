import RPCServices
import Testing

private let hash = String(repeating: "0123456789abcdef", count: 4)
private let otherHash = String(repeating: "fedcba9876543210", count: 4)

@Suite struct AccessFileTests {
  @Test func aFileNamesTokensAndCertificates() throws {
    let file = try AccessFile(
      parsing: """
        # Who may call.

        token deploy operator sha256:\(hash) expires:2027-01-31T00:00:00Z
          token\tdash.board@home   reader  sha256:\(otherHash)
        certificate admin CN=Ada L.,O=two  words\\, and more
        certificate reader CN=#
        """)
    #expect(file.tokens.map(\.name) == ["deploy", "dash.board@home"])
    #expect(file.tokens.map(\.role) == [.operator, .reader])
    #expect(file.tokens.map(\.hash.hexadecimal) == [hash, otherHash])
    #expect(file.tokens.map(\.expires) == [1_801_353_600, nil])
    #expect(file.certificates.map(\.subject) == ["CN=Ada L.,O=two  words\\, and more", "CN=#"])
    #expect(file.certificates.map(\.role) == [.admin, .reader])
  }

  @Test("A file may be empty", arguments: ["", "\n", "\n\n# nobody\n", "#", "\r\n"])
  func empty(text: String) throws {
    let file = try AccessFile(parsing: text)
    #expect(file.tokens.isEmpty && file.certificates.isEmpty)
  }

  @Test(
    "A wrong line is told by its number and what was expected, and never repeated",
    arguments: [
      ("tokens deploy reader sha256:\(hash)", "expected token, certificate or a comment"),
      ("sdt_secret", "expected token, certificate or a comment"),
      ("token", "expected token NAME ROLE sha256:HASH, and expires:TIME if it does"),
      ("token deploy reader", "expected token NAME ROLE sha256:HASH, and expires:TIME if it does"),
      ("token deploy reader sdt_secret", "expected sha256: and 64 hexadecimal digits"),
      ("token deploy reader sha256:sdt_secret", "expected sha256: and 64 hexadecimal digits"),
      ("token deploy reader sha256:\(hash)00", "expected sha256: and 64 hexadecimal digits"),
      ("token deploy reader sha256:\(hash.dropLast())", "expected sha256: and 64 hexadecimal digits"),
      ("token deploy reader sha256:\(hash.dropLast())g", "expected sha256: and 64 hexadecimal digits"),
      ("token deploy reader sha256:\(hash.dropLast())\u{FF11}", "expected sha256: and 64 hexadecimal digits"),
      ("token deploy boss sha256:\(hash)", "expected a role: reader, operator, admin"),
      ("token deploy Reader sha256:\(hash)", "expected a role: reader, operator, admin"),
      ("token de/ploy reader sha256:\(hash)", "a name has 1 to 64 letters, digits, -, _, . and @"),
      (
        "token \(String(repeating: "n", count: 65)) reader sha256:\(hash)",
        "a name has 1 to 64 letters, digits, -, _, . and @"
      ),
      ("token deploy reader sha256:\(hash) sdt_secret", "expected expires: and a time such as 2027-01-31T00:00:00Z"),
      (
        "token deploy reader sha256:\(hash) expires:2027-01-31",
        "expected expires: and a time such as 2027-01-31T00:00:00Z"
      ),
      (
        "token deploy reader sha256:\(hash) expires:2027-02-31T00:00:00Z",
        "expected expires: and a time such as 2027-01-31T00:00:00Z"
      ),
      (
        "token deploy reader sha256:\(hash) expires:10000-01-01T00:00:00Z",
        "expected expires: and a time such as 2027-01-31T00:00:00Z"
      ),
      (
        "token deploy reader sha256:\(hash) expires:2027-01-31T00:00:00+01:00",
        "expected expires: and a time such as 2027-01-31T00:00:00Z"
      ),
      ("certificate reader", "expected certificate ROLE SUBJECT"),
      ("certificate CN=agent-7 reader", "expected a role: reader, operator, admin"),
      ("token first reader sha256:\(otherHash)", "another token has this name"),
      ("token second reader sha256:\(hash)", "another token has this hash"),
      ("certificate admin CN=first", "this subject has a role already"),
    ])
  func wrongLine(line: String, problem: String) {
    let text = "token first reader sha256:\(hash)\ncertificate reader CN=first\n\(line)\n# more\n"
    let error = #expect(throws: AccessFileError.self) {
      // Its own hash where it is not the name or hash that counts.
      try AccessFile(parsing: problem.hasPrefix("another") || problem.hasPrefix("this") ? text : "\n\n\(line)\n")
    }
    #expect(error?.line == 3)
    #expect(error?.problem == problem)
    #expect(error?.description.contains("sdt_") == false)
  }

  @Test func aChangeKeepsEveryOtherLine() throws {
    let text = "# Mine.\n\n token a reader sha256:\(hash)\ncertificate reader CN=x\n# The end, without a newline"
    var file = try AccessFile(parsing: text)
    let addedHash = try #require(TokenHash(hexadecimal: otherHash))
    let added = try #require(AccessFile.Token(name: "b", role: .admin, hash: addedHash, expires: 1_801_353_600))
    let areAdded = [file.add(added), file.add(added)]
    #expect(areAdded == [true, false])
    let line = "token b admin sha256:\(otherHash) expires:2027-01-31T00:00:00Z\n"
    #expect(file.text == text + "\n" + line)
    let again = try AccessFile(parsing: file.text)
    #expect(again.tokens == file.tokens)

    let areRemoved = ["a", "a", "CN=x"].map { file.removeToken(named: $0) }
    #expect(areRemoved == [true, false, false])
    #expect(file.text == "# Mine.\n\ncertificate reader CN=x\n# The end, without a newline\n" + line)
  }
}

@Suite struct AccessTokenTests {
  @Test func aTokenIsAPrefixAnd162Bits() {
    var generator = SystemRandomNumberGenerator()
    let tokens = (0..<1000).map { _ in AccessToken(prefix: "sdt_", using: &generator).text }
    #expect(Set(tokens).count == 1000)
    for token in tokens {
      #expect(token.utf8.count == 31)
      #expect(token.hasPrefix("sdt_"))
    }
    // Every digit comes up, at the end, too.
    #expect(Set(tokens.flatMap { $0.dropFirst(4) }).count == 64)
    #expect(Set(tokens.compactMap(\.last)).count == 64)
  }

  @Test func aHashIsSHA256() {
    // FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(TokenHash(of: "abc".utf8).hexadecimal == abc)
    #expect(TokenHash(hexadecimal: abc.uppercased()) == TokenHash(of: "abc".utf8))
  }

  @Test("One bit makes another hash", arguments: [0, 1, 15, 16, 31, 32, 47, 48, 63])
  func oneBit(digit: Int) throws {
    var digits = Array(hash)
    digits[digit] = digits[digit] == "0" ? "1" : "0"
    let other = try #require(TokenHash(hexadecimal: String(digits)))
    #expect(other != TokenHash(hexadecimal: hash))
  }
}
