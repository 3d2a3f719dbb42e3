import SessionDomain

/// The places in the metadata whose values have indexes.
struct MetadataIndexes: Sendable {
  static let none = MetadataIndexes([])

  let paths: [MetadataPath]
  private let keys: Set<[SpelledText]>

  init(_ paths: [MetadataPath]) {
    self.paths = paths
    keys = Set(paths.map { $0.keys.map(SpelledText.init) })
  }

  /// Whether these keys, as they are spelled, lead to such a place: what a document has under another spelling is
  /// another value.
  func contains(_ keys: [String]) -> Bool { self.keys.contains(keys.map(SpelledText.init)) }
}
