import SessionDomain

/// Lists and objects as JSON in text columns. Most are empty, and those are not parsed.
enum JSONText {
  /// What metadata may nest, which is more than any other column has.
  private static let depthMax = FieldLimits.metadataDepthMax

  static func encode(_ strings: [String]) -> String {
    strings.isEmpty ? "[]" : JSONValue.array(strings.map(JSONValue.string)).compactText
  }

  static func encode(_ texts: [String: String]) -> String {
    texts.isEmpty ? "{}" : JSONValue.object(texts.mapValues(JSONValue.string)).compactText
  }

  static func object(_ row: inout Row) throws(StorageFailure) -> [String: JSONValue] {
    switch try value(&row) {
    case nil: return [:]
    case .object(let members)?: return members
    case .null?, .bool?, .number?, .string?, .array?: throw SessionRow.damaged
    }
  }

  /// Nil when the column is NULL.
  static func strings(_ row: inout Row) throws(StorageFailure) -> [String]? {
    guard let value = try value(&row) else { return nil }
    guard let strings = value.strings else { throw SessionRow.damaged }
    return strings
  }

  static func texts(_ row: inout Row) throws(StorageFailure) -> [String: String] {
    try object(&row).compactMapValues { value in
      if case .string(let text) = value { text } else { nil }
    }
  }

  private static func value(_ row: inout Row) throws(StorageFailure) -> JSONValue? {
    let decoded = row.withOptionalText { bytes -> Result<JSONValue?, JSONSyntaxError> in
      guard let bytes else { return .success(nil) }
      if bytes.count == 2 { return .success(bytes[0] == UInt8(ascii: "[") ? .array([]) : .object([:])) }
      do throws(JSONSyntaxError) {
        return .success(try JSONValue.decode(bytes, depthMax: depthMax))
      } catch {
        return .failure(error)
      }
    }
    guard case .success(let value) = decoded else { throw SessionRow.damaged }
    return value
  }
}
