/// The entries of a list, each with the path by which it came: a list may be put together from several places.
struct ListedEntries {
  /// The entries.
  private(set) var texts: [String]
  /// What has too many entries, if there are too many.
  private(set) var path: String
  private let firstPath: String
  private let firstCount: Int
  private var others: [(path: String, index: Int)] = []

  init(_ texts: [String], path: String) {
    self.texts = texts
    self.path = path
    firstPath = path
    firstCount = texts.count
  }

  /// The path of the entry at `position`.
  func path(of position: Int) -> String {
    guard position >= firstCount else { return "\(firstPath)[\(position)]" }
    let origin = others[position - firstCount]
    return "\(origin.path)[\(origin.index)]"
  }

  /// Appends the entries that are not there yet.
  mutating func append(missing more: [String], path: String) {
    if texts.count <= FieldLimits.listEntriesMax { self.path = path }
    var seen = Set(texts)
    for (index, text) in more.enumerated() where seen.insert(text).inserted {
      texts.append(text)
      others.append((path, index))
    }
  }
}
