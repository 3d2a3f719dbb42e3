import ProtobufWellKnownTypes
import SessionAPI

/// Which fields of a request are wrong. Paths alone: what is wrong with them is for people.
struct ModelFields {
  /// What stands before the names of the fields.
  var prefix: String
  private(set) var wrong: Set<String> = []

  init(prefix: String) {
    self.prefix = prefix
  }

  mutating func refuse(_ field: String, if isWrong: Bool = true) {
    if isWrong { wrong.insert(prefix + field) }
  }

  mutating func check(name: String) {
    refuse("name", if: !(1...256).contains(name.unicodeScalars.count))
    refuse("name", if: name.unicodeScalars.contains { $0.properties.generalCategory == .control })
  }

  mutating func check(workspace: String) {
    refuse("workspace", if: !workspace.hasPrefix("/") || workspace.utf8.count > 4096)
    refuse("workspace", if: workspace.split(separator: "/").contains(".."))
  }

  mutating func check(type: SessionType) {
    refuse("type", if: ![.director, .department, .observer, .active].contains(type))
  }

  /// The metadata, without the null members.
  mutating func check(metadata: Google_Protobuf_Struct?) -> [String: Google_Protobuf_Value] {
    let members = (metadata?.fields ?? [:]).filter { $0.value.kind != .nullValue(.nullValue) }
    for (key, value) in members { check(value, at: "metadata.\(key)", key: key, depth: 2) }
    refuse("metadata", if: Self.isTooLarge(members))
    return members
  }

  /// One value, `depth` deep where it is a list or an object; the object of all metadata is at 1.
  mutating func check(_ value: Google_Protobuf_Value, at path: String, key: String, depth: Int) {
    switch value.kind {
    case nil: refuse(path)
    case .numberValue(let number)?: refuse("metadata.\(key)", if: !number.isFinite)
    case .listValue(let list)?:
      refuse("metadata.\(key)", if: depth > 32)
      for (index, value) in list.values.enumerated() {
        check(value, at: "\(path)[\(index)]", key: key, depth: depth + 1)
      }
    case .structValue(let object)?:
      refuse("metadata.\(key)", if: depth > 32)
      for (name, value) in object.fields { check(value, at: "\(path).\(name)", key: key, depth: depth + 1) }
    case .nullValue?, .stringValue?, .boolValue?: break
    }
  }

  /// Whether the members are over 64 KiB as compact JSON, for texts that need no escapes.
  static func isTooLarge(_ members: [String: Google_Protobuf_Value]) -> Bool {
    size(.with { $0.kind = .structValue(.with { $0.fields = members }) }) > 65_536
  }

  private static func size(_ value: Google_Protobuf_Value) -> Int {
    switch value.kind {
    case .nullValue?, nil: 4
    case .boolValue(let flag)?: flag ? 4 : 5
    case .numberValue(let number)?: "\(number)".utf8.count
    case .stringValue(let text)?: text.utf8.count + 2
    case .listValue(let list)?: list.values.reduce(1) { $0 + size($1) + 1 }
    case .structValue(let object)?: object.fields.reduce(1) { $0 + $1.key.utf8.count + 4 + size($1.value) }
    }
  }

  /// A list whose entries came from the fields at `paths`, one for each.
  mutating func check(list: [(text: String, path: String)], at field: String) {
    refuse(field, if: list.count > 128)
    var seen: Set<String> = []
    for (text, path) in list {
      refuse(path, if: !(1...128).contains(text.unicodeScalars.count) || !seen.insert(text).inserted)
    }
  }

  mutating func check(constraints: [(text: String, path: String)], at field: String) {
    check(list: constraints, at: field)
    var seen: Set<String> = []
    for (text, path) in constraints where !text.isEmpty {
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      let isName = name.unicodeScalars.enumerated().allSatisfy { index, scalar in
        ("a"..."z").contains(scalar) || index > 0 && (("0"..."9").contains(scalar) || scalar == "-")
      }
      guard parts.count == 2, !name.isEmpty, isName else {
        refuse(path)
        continue
      }
      guard let isValue = Self.known[name] else { continue }
      refuse(path, if: !isValue(String(parts[1])) || !seen.insert(name).inserted)
    }
  }

  private static let known: [String: @Sendable (String) -> Bool] = [
    "max-memory": { ModelUnits.bytes($0) != nil }, "max-cpu": { ModelUnits.millicores($0) != nil },
    "max-disk": { ModelUnits.bytes($0) != nil }, "max-queue": { ModelUnits.count($0) != nil },
    "timeout": { ModelUnits.count($0) != nil }, "cpu-priority": { ["low", "normal", "high"].contains($0) },
  ]

  mutating func check(environment: [String: String]) {
    refuse("environment", if: environment.count > 256)
    for (key, value) in environment {
      let isName = key.unicodeScalars.enumerated().allSatisfy { index, scalar in
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
          || index > 0 && ("0"..."9").contains(scalar)
      }
      refuse("environment.\(key)", if: key.isEmpty || !isName || value.utf8.count > 4096)
    }
  }

  mutating func check(parent: String, in model: SessionModel) {
    refuse("parent_id", if: !parent.isEmpty && model.sessions[parent.lowercased()] == nil)
  }

  /// What resources come to.
  mutating func check(resources: ResourceRequest?) -> ResourceAllocation {
    func amount(_ text: String, _ read: (String) -> Int64?) -> Int64? { text.isEmpty ? 0 : read(text) }
    let memory = amount(resources?.memory ?? "", ModelUnits.bytes)
    let cpu = amount(resources?.cpu ?? "", ModelUnits.millicores)
    let disk = amount(resources?.disk ?? "", ModelUnits.bytes)
    if memory == nil { wrong.insert("resources.memory") }
    if cpu == nil { wrong.insert("resources.cpu") }
    if disk == nil { wrong.insert("resources.disk") }
    return .with {
      $0.memoryBytes = memory ?? 0
      $0.cpuMillicores = cpu ?? 0
      $0.diskBytes = disk ?? 0
    }
  }

  mutating func check(timeout: Google_Protobuf_Duration?) {
    if let timeout, timeout.seconds < 0 || timeout.nanos < 0 { wrong.insert("timeout") }
  }

  mutating func check(reason: String, at field: String) { refuse(field, if: reason.utf8.count > 4096) }

  mutating func check(requestID: String) {
    if requestID.unicodeScalars.count > 64 { wrong.insert("request_id") }
  }

  /// Throws when anything is wrong.
  func refuseAll() throws(ModelRefusal) {
    if !wrong.isEmpty { throw .invalid(wrong) }
  }
}

/// Quantities as people write them, read without much care for speed.
enum ModelUnits {
  private static let shifts: [Character: Int] = ["k": 10, "m": 20, "g": 30, "t": 40]

  static func bytes(_ text: String) -> Int64? {
    let text = text.lowercased()
    let number = String(text.prefix { $0.isNumber || $0 == "." })
    let suffix = text.dropFirst(number.count)
    guard let amount = decimal(number) else { return nil }
    if suffix.isEmpty || suffix == "b" { return rounded(amount) }
    guard let letter = suffix.first, let shift = shifts[letter], ["", "b", "i", "ib"].contains(suffix.dropFirst())
    else { return nil }
    return rounded(amount * Double(1 << shift))
  }

  static func millicores(_ text: String) -> Int64? {
    let isMilli = text.lowercased().hasSuffix("m")
    return decimal(isMilli ? String(text.dropLast()) : text).flatMap { rounded($0 * (isMilli ? 1 : 1000)) }
  }

  static func count(_ text: String) -> Int64? {
    text.allSatisfy { ("0"..."9").contains($0) } ? Int64(text) : nil
  }

  private static func decimal(_ text: String) -> Double? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ count(String($0)) != nil }) else { return nil }
    return Double(text)
  }

  private static func rounded(_ amount: Double) -> Int64? { Int64(exactly: amount.rounded()) }
}
