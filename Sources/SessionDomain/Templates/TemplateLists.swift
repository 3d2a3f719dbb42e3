/// A list that a template's sessions get, and where in the metadata more of it may be.
enum TemplateList {
  case capabilities, constraints

  /// Its key in any session's metadata.
  var key: String {
    switch self {
    case .capabilities: "capabilities"
    case .constraints: "constraints"
    }
  }

  /// Its key in a template's metadata.
  var standardKey: String {
    switch self {
    case .capabilities: "standardCapabilities"
    case .constraints: "standardConstraints"
    }
  }
}

extension ListedEntries {
  /// A template's own entries, and then the standard ones of the metadata that are not among them. When there are none
  /// of either, those that any session takes from its metadata.
  init(_ list: TemplateList, ofTemplate entries: [String], metadata: [String: JSONValue], pathPrefix: String) {
    self.init(entries, path: "\(pathPrefix)\(list.key)")
    if let standard = metadata[list.standardKey]?.strings {
      append(missing: standard, path: "\(pathPrefix)metadata.\(list.standardKey)")
    }
    if texts.isEmpty, let strings = metadata[list.key]?.strings {
      self.init(strings, path: "\(pathPrefix)metadata.\(list.key)")
    }
  }
}
