import ArgumentParser
import Foundation
import Glibc
import RPCServices

/// Makes, shows and takes back the tokens of a token file. A server reads the file again at SIGHUP.
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Makes, lists and revokes the tokens in a token file.",
    discussion: "A running server reads its token file again at SIGHUP.",
    subcommands: [Create.self, List.self, Revoke.self])

  private struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Adds a token to the file, which keeps its hash only, and prints it, once.")

    @Option(help: "Whose it is: 1 to 64 letters, digits, -, _, . and @.") var name: String
    @Option(help: "What it allows.") var role: Role
    @Option(help: "How long it is valid, such as 90d, 12h or 30m; for ever without.") var expiresIn: Lifetime?
    @Option(help: "The token file; made if it is not there.") var file: String

    func run() throws {
      var generator = SystemRandomNumberGenerator()
      let token = AccessToken(prefix: "sdt_", using: &generator)
      let expires = expiresIn.map { time(nil) + $0.seconds }
      guard let entry = AccessFile.Token(name: name, role: role, hash: token.hash, expires: expires) else {
        throw TokenNameError(problem: "a name has 1 to 64 letters, digits, -, _, . and @")
      }
      try TokenFile(path: file).update { file in
        if !file.add(entry) { throw TokenNameError(problem: "there is a token \(name) already; revoke it first") }
      }
      print(token.text)
    }
  }

  private struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints name, role and end of validity of every token in the file.")

    @Option(help: "The token file.") var file: String

    func run() throws {
      for token in try TokenFile(path: file).read().tokens {
        let isExpired = token.expires.map { $0 <= time(nil) } ?? false
        print("\(token.name)\t\(token.role.rawValue)\t\(token.expiryText ?? "never")\(isExpired ? "\texpired" : "")")
      }
    }
  }

  private struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Takes a token out of the file.")

    @Option(help: "Whose it is.") var name: String
    @Option(help: "The token file.") var file: String

    func run() throws {
      try TokenFile(path: file).update { file in
        if !file.removeToken(named: name) { throw TokenNameError(problem: "there is no token \(name)") }
      }
    }
  }
}

/// A name that no token can have, or one that the file has or lacks.
private struct TokenNameError: Error, CustomStringConvertible {
  let problem: String

  var description: String { problem }
}

extension Role: ExpressibleByArgument {}

/// A whole number of days, hours or minutes.
struct Lifetime: ExpressibleByArgument {
  let seconds: Int

  init?(argument: String) {
    let unit: Int
    switch argument.last {
    case "d": unit = 86_400
    case "h": unit = 3600
    case "m": unit = 60
    default: return nil
    }
    // Longer than that is for ever.
    guard let count = Int(argument.dropLast()), (1...1_000_000).contains(count) else { return nil }
    seconds = count * unit
  }
}
