import RPCCore
import Testing

@Suite struct CredentialsTests {
  private func token(_ authorization: String) -> String? {
    Credentials(authorization: authorization.utf8).bearerToken.map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    "A bearer's token, however the scheme is written",
    arguments: [
      ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER abc", "abc"), ("bEaReR abc", "abc"),
      ("Bearer   abc", "abc"),
      ("Bearer a b", "a b"), ("Bearer bearer x", "bearer x"), ("Bearer  ", ""),
    ])
  func bearer(authorization: String, expected: String) {
    #expect(token(authorization) == expected)
  }

  @Test(
    "What is no bearer's",
    arguments: ["", "Bearer", "Bearer ", "Bearerabc", "Basic abc", "Bearer\tabc", "abc", " Bearer abc"])
  func otherScheme(authorization: String) {
    #expect(token(authorization) == nil)
  }

  @Test(
    "Credentials are equal to their own bytes only",
    arguments: [
      ("Bearer abc", true), ("Bearer abd", false), ("Cearer abc", false), ("Bearer ab", false), ("Bearer abcd", false),
      ("bearer abc", false), ("", false),
    ])
  func equality(other: String, isEqual: Bool) {
    let credentials = Credentials(authorization: "Bearer abc".utf8)
    #expect(Array(other.utf8).withUnsafeBytes { credentials.isEqual(to: $0) } == isEqual)
  }

  @Test func everyByteOfCredentialsMatters() {
    let own = Array("Bearer sdt_0123456789abcdefghijk".utf8)
    for count in [7, 8, 9, 16, own.count] {
      let credentials = Credentials(authorization: own.prefix(count))
      #expect(Array(own.prefix(count)).withUnsafeBytes { credentials.isEqual(to: $0) })
      for index in 0..<count {
        for bit in 0..<8 {
          var other = Array(own.prefix(count))
          other[index] ^= 1 << bit
          #expect(!other.withUnsafeBytes { credentials.isEqual(to: $0) })
        }
      }
    }
  }

  @Test func anIdentityIsFoundOncePerRevision() {
    let credentials = Credentials(authorization: "Bearer abc".utf8)
    var searches = 0
    func identity(_ revision: UInt64, _ name: String) -> Identity? {
      credentials.identity(revision: revision) { asked in
        #expect(asked === credentials)
        searches += 1
        return Identity(name: name, role: "operator")
      }
    }
    #expect(identity(1, "first")?.name == "first")
    #expect(identity(1, "second")?.name == "first")
    #expect(searches == 1)
    #expect(identity(2, "third")?.name == "third")
    #expect(identity(2, "fourth")?.name == "third")
    #expect(searches == 2)
  }

  @Test func nobodyIsLookedForAgain() {
    let credentials = Credentials(authorization: "Bearer abc".utf8)
    #expect(credentials.identity(revision: 1) { _ in nil } == nil)
    #expect(credentials.identity(revision: 1) { _ in Identity(name: "late", role: "operator") }?.name == "late")
    // A token that was taken back is nobody's, whoever it was.
    #expect(credentials.identity(revision: 2) { _ in nil } == nil)
  }
}
