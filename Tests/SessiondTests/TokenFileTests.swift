import Foundation
import RPCServices
import Testing

@testable import sessiond

/// A folder that is gone with its owner.
private final class Folder: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit {
    // What stays behind is the system's to clear.
    try? FileManager.default.removeItem(atPath: path)
  }
}

private func token(_ name: String) throws -> AccessFile.Token {
  try #require(AccessFile.Token(name: name, role: .reader, hash: TokenHash(of: name.utf8), expires: nil))
}

private func mode(_ path: String) throws -> Int? {
  try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
}

@Suite struct TokenFileTests {
  private let folder: Folder
  private let file: TokenFile

  init() throws {
    folder = try Folder()
    file = TokenFile(path: "\(folder.path)/tokens")
  }

  @Test func aNewFileIsForItsOwnerAlone() throws {
    try file.update { _ = $0.add(try token("a")) }
    #expect(try file.read().tokens.map(\.name) == ["a"])
    #expect(try mode(file.path) == 0o600)
    #expect(!file.isOpenToOthers)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tokens"])
  }

  @Test func aChangeKeepsModeAndLink() throws {
    let target = "\(folder.path)/target"
    try "# mine\n".write(toFile: target, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: target)
    try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: target)
    #expect(file.isOpenToOthers)
    try file.update { _ = $0.add(try token("a")) }
    #expect(try mode(target) == 0o640)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: file.path) == target)
    #expect(try String(contentsOfFile: target, encoding: .utf8).hasPrefix("# mine\ntoken a "))
  }

  @Test func changesAtOnceAreAllKept() async throws {
    let names = (0..<16).map { "token-\($0)" }
    try await withThrowingTaskGroup { group in
      for name in names {
        group.addTask { [file] in try file.update { _ = $0.add(try token(name)) } }
      }
      try await group.waitForAll()
    }
    #expect(Set(try file.read().tokens.map(\.name)) == Set(names))
  }

  @Test func aChangeThatFailsLeavesTheFile() throws {
    struct Refused: Error {}
    try file.update { _ = $0.add(try token("a")) }
    #expect(throws: Refused.self) { try file.update { _ in throw Refused() } }
    #expect(try file.read().tokens.map(\.name) == ["a"])
  }

  @Test func aWrongFileIsNotChanged() throws {
    try "nonsense\n".write(toFile: file.path, atomically: false, encoding: .utf8)
    let error = #expect(throws: TokenFileError.self) { try file.update { _ = $0.add(try token("a")) } }
    #expect(
      error?.description == "tokenFile is \"\(file.path)\": line 1: expected token, certificate or a comment")
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "nonsense\n")
  }

  @Test func aFileThatIsNotThereIsNamed() throws {
    let error = #expect(throws: TokenFileError.self) { try file.read() }
    #expect(error?.description == "tokenFile is \"\(file.path)\": No such file or directory")
  }

  @Test(
    "A lifetime is a number of days, hours or minutes",
    arguments: [
      ("90d", 7_776_000), ("12h", 43_200), ("30m", 1800), ("0d", nil), ("-1d", nil), ("1.5h", nil), ("d", nil),
      ("90", nil), ("", nil), ("1y", nil), ("99999999999999999999d", nil),
    ])
  func lifetime(text: String, seconds: Int?) {
    #expect(Lifetime(argument: text)?.seconds == seconds)
  }
}
