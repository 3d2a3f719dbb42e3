import SessionDomain

/// The places in the metadata whose values have indexes.
struct MetadataIndexes: Sendable {
  static let none = MetadataIndexes([])

  let paths: [MetadataPath]
  private let keys: Set<[String]>

  init(_ paths: [MetadataPath]) {
    self.paths = paths
    keys = Set(paths.map(\.keys))
  }

  func contains(_ keys: [String]) -> Bool { self.keys.contains(keys) }
}
