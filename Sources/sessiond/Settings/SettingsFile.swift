import Configuration
import Foundation
import Glibc
import Synchronization

/// A file of settings by their names, in YAML, of which JSON is a part. Each value is its text, and what texts a setting
/// allows is for the setting to say, as it is for flags and variables.
struct SettingsFile: Sendable {
  /// As it was given.
  let path: String
  private let values: YAMLSnapshot
  private let names: [String]

  // Settings take a few kilobytes at most.
  private static let bytesMax = 1 << 20

  /// Reads and parses it.
  /// - Throws: `SettingsFileError`.
  init(path: String) throws {
    try self.init(path: path, bytes: try Self.bytes(of: path))
  }

  /// Parses what a file has in it.
  /// - Throws: `SettingsFileError`.
  init(path: String, bytes: [UInt8]) throws {
    self.path = path
    let found = Names()
    do {
      values = try YAMLSnapshot(
        data: Self.withoutNothing(bytes).span.bytes, providerName: path,
        parsingOptions: .init(
          // The one place where a snapshot tells what names it has. None of its values is printed by the library.
          secretsSpecifier: .dynamic { name, _ in
            found.add(name)
            return false
          }))
    } catch {
      throw SettingsFileError(path: path, problem: "it is neither YAML nor JSON: \(Self.line("\(error)"))")
    }
    names = found.sorted
  }

  /// The text of a setting's value; nil when the file does not name the setting.
  /// - Throws: `SettingsFileError` for a value that has no text.
  func text(of name: String, allowed: String) throws -> String? {
    let key = AbsoluteConfigKey([name])
    do {
      guard let value = try values.value(forKey: key, type: .string).value else { return nil }
      guard case .string(let text) = value.content else { return nil }
      if !["null", "Null", "NULL", "~"].contains(text) { return text }
      throw SettingsFileError(path: path, problem: "\(name) is \(text); allowed is \(allowed), or to leave it out")
    } catch let error as SettingsFileError {
      throw error
    } catch {
      // A list of values stands for a list in one text.
      if case .stringArray(let texts)? = try? values.value(forKey: key, type: .stringArray).value?.content {
        return texts.joined(separator: ",")
      }
      throw SettingsFileError(path: path, problem: "\(name) is no single value; allowed is \(allowed)")
    }
  }

  /// Refuses names that are not among `known`.
  /// - Throws: `SettingsFileError`.
  func checkNames(_ known: Set<String>) throws {
    guard let name = names.first(where: { !known.contains($0) }) else { return }
    let problem: String
    if let outer = name.split(separator: ".").first, outer.count < name.count, known.contains(String(outer)) {
      problem = "\(outer) is no single value: it has \(name) in it"
    } else {
      problem = "there is no setting \(name)"
    }
    throw SettingsFileError(path: path, problem: "\(problem); sessiond --print-config lists the names there are")
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    // Not waiting for somebody to write into a pipe.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw SettingsFileError(path: path, problem: systemError()) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw SettingsFileError(path: path, problem: systemError()) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SettingsFileError(path: path, problem: "it is no file") }
    var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
    var count = 0
    while count < bytes.count {
      let more = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress.map { $0 + count }, $0.count - count) }
      if more < 0, errno == EINTR { continue }
      guard more >= 0 else { throw SettingsFileError(path: path, problem: systemError()) }
      if more == 0 { break }
      count += more
    }
    guard count <= bytesMax else {
      throw SettingsFileError(path: path, problem: "it has more than \(bytesMax) bytes")
    }
    return Array(bytes.prefix(count))
  }

  // The parser wants a mapping, which a file without settings lacks.
  private static func withoutNothing(_ bytes: [UInt8]) -> [UInt8] {
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    let isNothing = lines.allSatisfy { line in
      let text = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
      return text.first == nil || text.first == UInt8(ascii: "#") || text.elementsEqual("---".utf8)
    }
    return isNothing ? Array("{}".utf8) : bytes
  }

  // Parsers show the place in lines of their own.
  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " | ")
  }

  private final class Names: Sendable {
    private let names = Mutex<Set<String>>([])

    func add(_ name: String) { names.withLock { _ = $0.insert(name) } }

    var sorted: [String] { names.withLock { $0.sorted() } }
  }
}

/// A settings file that is no good, which stops the start.
struct SettingsFileError: Error, CustomStringConvertible {
  let path: String
  let problem: String

  var description: String { "the settings file \(path): \(problem)" }
}
