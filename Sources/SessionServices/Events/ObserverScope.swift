import RPCCore
import SessionDomain

/// The sessions an observer watches: those whose id or name matches one of its `metadata.monitoringTargets`.
struct ObserverScope: Sendable {
  let observer: SessionID
  private let repository: any SessionRepository
  private var targets: [Glob] = []

  /// Reads the observer's targets.
  /// - Throws: NOT_FOUND where it does not exist, INVALID_ARGUMENT where it is not an observer.
  init(observer text: String, repository: any SessionRepository) async throws {
    observer = try sessionID(text, at: "observer_id")
    self.repository = repository
    try await reload()
  }

  /// Reads the targets as they are now.
  mutating func reload() async throws {
    let id = observer
    let repository = repository
    let session = try await answering { try await repository.session(id) }
    guard session.type == .observer else {
      throw RPCError([
        FieldViolation(path: "observer_id", description: "the session must be of type OBSERVER")
      ])
    }
    targets = session.metadata["monitoringTargets"]?.strings?.map { Glob($0) } ?? []
  }

  func covers(_ id: SessionID, name: String) -> Bool {
    let text = id.description
    return targets.contains { $0.matches(text) || $0.matches(name) }
  }
}

/// A pattern in which `*` stands for any text, and every other character for itself.
struct Glob: Sendable {
  private let parts: [Substring.UTF8View]
  private let text: String

  init(_ text: String) {
    self.text = text
    parts = Substring(text).utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
  }

  func matches(_ candidate: String) -> Bool {
    guard parts.count > 1, let first = parts.first, let last = parts.last else { return candidate == text }
    var rest = Substring(candidate).utf8
    guard rest.starts(with: first) else { return false }
    rest = rest.dropFirst(first.count)
    guard rest.count >= last.count, rest.suffix(last.count).elementsEqual(last) else { return false }
    rest = rest.dropLast(last.count)
    // The leftmost place for each part in turn leaves the most room for those after it.
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = firstRange(of: part, in: rest) else { return false }
      rest = rest[found...]
    }
    return true
  }

  // The index after the first occurrence.
  private func firstRange(of part: Substring.UTF8View, in text: Substring.UTF8View) -> String.Index? {
    var rest = text
    while rest.count >= part.count {
      if rest.starts(with: part) { return rest.index(rest.startIndex, offsetBy: part.count) }
      rest = rest.dropFirst()
    }
    return nil
  }
}
