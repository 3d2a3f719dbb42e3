/// Collects every violation of a request, in the order in which its fields are checked.
struct FieldChecker {
  /// What the paths of fields begin with, such as `session.`; empty where the request has the fields itself.
  let prefix: String
  private(set) var violations: [FieldViolation] = []

  init(prefix: String = "session.") {
    self.prefix = prefix
  }

  mutating func refuse(_ path: String, _ description: String) {
    violations.append(FieldViolation(path: path, description: description))
  }

  mutating func check(name: String) {
    let path = "\(prefix)name"
    let count = name.unicodeScalars.count
    if count == 0 || count > FieldLimits.nameCharactersMax {
      refuse(path, "a name has 1 to \(FieldLimits.nameCharactersMax) characters")
    }
    if name.unicodeScalars.contains(where: Self.isControl) { refuse(path, "a name has no control characters") }
  }

  mutating func check(workspace: String) {
    let path = "\(prefix)workspace"
    if workspace.utf8.first != UInt8(ascii: "/") { refuse(path, "a workspace is an absolute path") }
    if workspace.utf8.count > FieldLimits.workspaceBytesMax {
      refuse(path, "a workspace has at most \(FieldLimits.workspaceBytesMax) bytes")
    }
    if workspace.utf8.contains(0) { refuse(path, "a workspace has no NUL") }
    if workspace.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) {
      refuse(path, "a workspace has no '..' segment")
    }
  }

  mutating func check(reason: String, path: String) {
    if reason.utf8.count > FieldLimits.reasonBytesMax {
      refuse(path, "a reason has at most \(FieldLimits.reasonBytesMax) bytes")
    }
    if reason.utf8.contains(0) { refuse(path, "a reason has no NUL") }
  }

  mutating func check(capabilities: [String], path: String) {
    check(capabilities: ListedEntries(capabilities, path: path))
  }

  mutating func check(capabilities: ListedEntries) {
    check(list: capabilities)
  }

  mutating func check(constraints: [String], path: String) {
    check(constraints: ListedEntries(constraints, path: path))
  }

  mutating func check(constraints: ListedEntries) {
    check(list: constraints)
    var known: Set<String> = []
    for (index, text) in constraints.texts.enumerated() where !text.isEmpty {
      switch Constraint.parse(text) {
      case .success(let constraint):
        guard constraint.isKnown else { continue }
        if !known.insert(constraint.name).inserted {
          refuse(constraints.path(of: index), "\(constraint.name) is given more than once")
        }
      case .failure(let error): refuse(constraints.path(of: index), error.expected)
      }
    }
  }

  mutating func check(messageTypes: [String], path: String) {
    check(list: ListedEntries(messageTypes, path: path))
    for (index, type) in messageTypes.enumerated() { check(spellingOf: type, path: "\(path)[\(index)]") }
  }

  mutating func check(spellingOf messageType: String, path: String) {
    // Free-form, but for the case: `command` and `COMMAND` would be two types.
    if hasLowercase(messageType) { refuse(path, "a message type is in upper case") }
    if messageType.unicodeScalars.contains(where: Self.isControl) {
      refuse(path, "a message type has no control characters")
    }
  }

  private func hasLowercase(_ text: String) -> Bool {
    // Most are ASCII, and need none of Unicode's tables.
    if text.utf8.allSatisfy({ $0 < 0x80 }) {
      return text.utf8.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }
    return text.contains(where: \.isLowercase)
  }

  /// Reads a priority as the contract's number; 0 means none.
  mutating func check(priority: Int32, path: String = "priority") -> MessagePriority? {
    guard priority != 0 else { return nil }
    let known = MessagePriority(rawValue: priority)
    if known == nil { refuse(path, "a priority is one of LOW, NORMAL, HIGH and CRITICAL") }
    return known
  }

  /// All of Unicode's category Cc, without a look into its tables.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
  }

  private mutating func check(list: ListedEntries) {
    if list.texts.count > FieldLimits.listEntriesMax {
      refuse(list.path, "at most \(FieldLimits.listEntriesMax) entries are allowed")
    }
    var seen: Set<String> = []
    for (index, entry) in list.texts.enumerated() {
      let count = entry.unicodeScalars.count
      if count == 0 || count > FieldLimits.listEntryCharactersMax {
        refuse(list.path(of: index), "an entry has 1 to \(FieldLimits.listEntryCharactersMax) characters")
      }
      if entry.utf8.contains(0) { refuse(list.path(of: index), "an entry has no NUL") }
      if !seen.insert(entry).inserted { refuse(list.path(of: index), "an entry is given only once") }
    }
  }

  mutating func check(environment: [String: String]) {
    let path = "\(prefix)environment"
    if environment.count > FieldLimits.environmentEntriesMax {
      refuse(path, "at most \(FieldLimits.environmentEntriesMax) variables are allowed")
    }
    for (key, value) in environment.sorted(by: { $0.key < $1.key }) {
      if !Self.isVariableName(key) { refuse("\(path).\(key)", "a variable's name is [A-Za-z_][A-Za-z0-9_]*") }
      if value.utf8.count > FieldLimits.environmentValueBytesMax {
        refuse("\(path).\(key)", "a value has at most \(FieldLimits.environmentValueBytesMax) bytes")
      }
      if value.utf8.contains(0) { refuse("\(path).\(key)", "a value has no NUL") }
    }
  }

  /// Checks each member's value; the size of the whole is checked where the whole is known.
  mutating func check(metadata: [String: JSONValue]) {
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { check(metadata: value, key: key) }
  }

  mutating func check(metadata value: JSONValue, key: String) {
    guard value.nests(atMost: FieldLimits.metadataDepthMax - 1) else {
      refuse("\(prefix)metadata.\(key)", "metadata nests at most \(FieldLimits.metadataDepthMax) deep")
      return
    }
    if !value.isFinite { refuse("\(prefix)metadata.\(key)", "a number is neither NaN nor infinite") }
  }

  mutating func check(metadataBytes: Int) {
    guard metadataBytes > FieldLimits.metadataBytesMax else { return }
    refuse("\(prefix)metadata", Self.metadataTooLarge)
  }

  /// The members as compact JSON, whose size is checked. Those that nest too deep are left out: they were refused, and
  /// nothing may follow them down.
  mutating func compactText(ofMetadata metadata: [String: JSONValue]) -> String {
    let text = JSONValue.object(Self.shallow(metadata)).compactText
    check(metadataBytes: text.utf8.count)
    return text
  }

  /// The members that do not nest too deep.
  static func shallow(_ metadata: [String: JSONValue]) -> [String: JSONValue] {
    metadata.filter { $0.value.nests(atMost: FieldLimits.metadataDepthMax - 1) }
  }

  static var metadataTooLarge: String {
    "metadata has at most \(FieldLimits.metadataBytesMax) bytes as compact JSON"
  }

  /// Reads the id of a parent; empty means none.
  mutating func check(parentID: String) -> SessionID? {
    guard !parentID.isEmpty else { return nil }
    guard let id = SessionID(parentID) else {
      refuse("\(prefix)parent_id", "a parent is named by its id, a UUID")
      return nil
    }
    return id
  }

  mutating func check(templateName name: String) {
    let isAllowed = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
      default: isDigit(byte)
      }
    }
    if name.isEmpty || name.utf8.count > FieldLimits.templateNameCharactersMax || !isAllowed {
      refuse(
        "\(prefix)name",
        "a template's name has 1 to \(FieldLimits.templateNameCharactersMax) of a-z, 0-9, '-', '_' and '.'")
    }
  }

  private static func isVariableName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !isDigit(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
      default: isDigit(byte)
      }
    }
  }
}
