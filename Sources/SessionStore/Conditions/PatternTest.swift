import SessionDomain

/// A field against a pattern of `LIKE`.
struct PatternTest {
  let field: SessionField
  let operand: ConditionOperand
  let indexes: MetadataIndexes

  var sql: SQLFragment {
    switch operand {
    case .null: "NULL"
    case .text(let pattern): match(pattern)
    case .bool, .number, .type, .status, .time: neverMatches
    }
  }

  private var value: SQLFragment { FieldSQL(field, indexes: indexes).value }

  private func match(_ pattern: String) -> SQLFragment {
    switch field {
    case .id, .name, .workspace, .parentID, .templateName, .clonedFrom, .statusReason, .environment:
      "\(value) LIKE \(.text(pattern))"
    case .type: "\(name(SessionType.self)) LIKE \(.text(SessionType.shortPattern(pattern)))"
    case .status: "\(name(SessionStatus.self)) LIKE \(.text(SessionStatus.shortPattern(pattern)))"
    case .createTime, .updateTime, .startTime, .endTime, .lastActivityTime: "\(timeText) LIKE \(.text(pattern))"
    case .revision: neverMatches
    case .metadata:
      "(nullif(typeof(\(value)), 'null') = 'text' AND \(value) LIKE \(.text(pattern)))"
    }
  }

  /// False, or unknown where the field is missing: nothing in a session equals the empty blob.
  private var neverMatches: SQLFragment { "\(value) = x''" }

  private func name<Value: ContractNamed & RawRepresentable<Int32>>(_: Value.Type) -> SQLFragment {
    let branches = Value.allCases.map { value -> SQLFragment in
      " WHEN \(.integer(Int64(value.rawValue))) THEN \(.text(value.contractName))"
    }
    return "CASE \(value)\(branches.joined(separator: "")) END"
  }

  private var timeText: SQLFragment {
    """
    (strftime('%Y-%m-%dT%H:%M:%S', \(value) / 1000000, 'unixepoch') \
    || printf('.%06dZ', \(value) % 1000000))
    """
  }
}

extension ContractNamed {
  /// The pattern for short names that matches what this one matches among short names, or among full ones.
  fileprivate static func shortPattern(_ pattern: String) -> String {
    let isFull = pattern.uppercased().hasPrefix(contractPrefix)
    return isFull ? String(pattern.dropFirst(contractPrefix.count)) : pattern
  }
}
