import Glibc

/// One parser, and what must be true of whatever it makes of any bytes.
struct FuzzTarget: Sendable {
  let name: String
  /// Where fuzzing starts: inputs that reach what chance would not.
  let seeds: [[UInt8]]
  /// Words of the parser's language, for mutations to put in.
  let words: [String]
  /// Stops the program where something is not as it must be.
  let check: @Sendable (FuzzInput) -> Void

  init(
    _ name: String, seeds: [[UInt8]], words: [String] = [], check: @escaping @Sendable (inout FuzzInput) throws -> Void
  ) {
    self.name = name
    self.seeds = seeds
    self.words = words
    self.check = { input in
      var input = input
      do {
        try check(&input)
      } catch {
        fatalError("\(name): \(error)")
      }
    }
  }

  /// A parser of text.
  init(
    _ name: String, texts: [String], words: [String] = [], check: @escaping @Sendable (String) throws -> Void
  ) {
    self.init(name, seeds: texts.map { Array($0.utf8) }, words: words) { input in
      try check(String(decoding: input.takeRest(), as: UTF8.self))
    }
  }

  static let all: [FuzzTarget] =
    framing + headers + [requestHead, responseHead, http2, requests] + messages + requestValues + queries + values
    + [metadataIndexes]

  static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

  /// Writes the seeds to `folder`, which is there, and beside it a dictionary in libFuzzer's form, `folder.words`.
  func writeSeeds(to folder: String) throws {
    for (index, seed) in seeds.enumerated() { try write(seed, to: "\(folder)/seed-\(index)") }
    let dictionary = words.map { word in
      "\"" + word.utf8.map { "\\x" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\"\n"
    }
    try write(Array(dictionary.joined().utf8), to: "\(folder).words")
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w") else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else {
      throw FileError(path: path, reason: String(cString: strerror(errno)))
    }
  }
}

struct FileError: Error {
  let path: String
  let reason: String
}

/// Stops the program, which libFuzzer reports with the input, unless `condition` holds.
func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) {
  if !condition { fatalError(sentence()) }
}
