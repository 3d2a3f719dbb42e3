/// What an observer is to watch: texts, and patterns, of which any may match.
struct MonitoringTargets: Sendable {
  /// The most patterns. Each is tried on each event, unlike texts, which are looked up.
  static let patternsMax = 64

  private let texts: Set<[UInt8]>
  private let patterns: [Glob]

  /// Takes all; nil for too many patterns.
  init?(checking targets: [String]) {
    self.init(targets)
    if patterns.count > Self.patternsMax { return nil }
  }

  init(_ targets: [String]) {
    let star = UInt8(ascii: "*")
    texts = Set(targets.filter { !$0.utf8.contains(star) }.map { Array($0.utf8) })
    patterns = targets.filter { $0.utf8.contains(star) }.map { Glob($0) }
  }

  func match(_ candidate: String) -> Bool {
    texts.contains(Array(candidate.utf8)) || patterns.contains { $0.matches(candidate) }
  }
}

/// A pattern in which `*` stands for any text, and every other character for itself.
struct Glob: Sendable {
  // What stands between the stars, of which some is empty.
  private let parts: [Part]

  init(_ text: String) {
    parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { Part(Array($0)) }
  }

  func matches(_ candidate: String) -> Bool {
    var candidate = candidate
    return candidate.withUTF8 { matches($0) }
  }

  private func matches(_ candidate: UnsafeBufferPointer<UInt8>) -> Bool {
    guard parts.count > 1, let first = parts.first?.bytes, let last = parts.last?.bytes else {
      return candidate.elementsEqual(parts.first?.bytes ?? [])
    }
    guard candidate.count >= first.count + last.count, candidate.starts(with: first),
      candidate.suffix(last.count).elementsEqual(last)
    else { return false }
    var rest = candidate[first.count..<candidate.count - last.count]
    // The leftmost place for each part in turn leaves the most room for those after it.
    for part in parts.dropFirst().dropLast() {
      guard let end = part.endOfFirst(in: rest) else { return false }
      rest = rest[end...]
    }
    return true
  }

  /// A text that is looked for in others in time that grows with those alone, whatever it is made of (Knuth, Morris and
  /// Pratt, "Fast pattern matching in strings", 1977).
  private struct Part {
    let bytes: [UInt8]
    // Of each beginning of it, the length of the longest shorter one that it ends with.
    private let borders: [Int]

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      var borders = [0]
      var length = 0
      for index in bytes.indices.dropFirst() {
        while length > 0, bytes[index] != bytes[length] { length = borders[length - 1] }
        if bytes[index] == bytes[length] { length += 1 }
        borders.append(length)
      }
      self.borders = borders
    }

    func endOfFirst(in text: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
      guard !bytes.isEmpty else { return text.startIndex }
      var length = 0
      for index in text.indices {
        while length > 0, text[index] != bytes[length] { length = borders[length - 1] }
        if text[index] == bytes[length] { length += 1 }
        if length == bytes.count { return index + 1 }
      }
      return nil
    }
  }
}
