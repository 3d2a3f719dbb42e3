/// Whether a value may stand where it stands, and what it is there.
enum OperandCheck: Equatable {
  case right(ConditionOperand)
  /// With what would have been right.
  case wrong(expected: String)
}

extension ConditionValue {
  /// The value for a comparison with `field`.
  func operand(for field: SessionField) -> OperandCheck {
    switch field {
    case .type: typeOperand()
    case .status: statusOperand()
    case .createTime, .updateTime, .startTime, .endTime, .lastActivityTime: timeOperand()
    case .id, .parentID, .clonedFrom: idOperand()
    case .name, .workspace, .templateName, .statusReason, .revision, .metadata, .environment: plainOperand()
    }
  }

  /// The value as a pattern for `LIKE`.
  func patternOperand() -> OperandCheck {
    if case .string(let text) = self, text.utf8.count > Condition.patternBytesMax {
      return .wrong(expected: "a pattern of at most \(Condition.patternBytesMax) bytes")
    }
    return plainOperand()
  }

  /// The value as it is.
  func plainOperand() -> OperandCheck {
    switch self {
    case .null: .right(.null)
    case .bool(let value): .right(.bool(value))
    case .number(let value): value.isFinite ? .right(.number(value)) : .wrong(expected: "a finite number")
    case .string(let text): text.utf8.contains(0) ? .wrong(expected: "text without U+0000") : .right(.text(text))
    }
  }
}

extension ConditionValue {
  private func idOperand() -> OperandCheck {
    guard case .right(.text(let text)) = plainOperand() else { return plainOperand() }
    return .right(.text(text.lowercased()))
  }

  private func typeOperand() -> OperandCheck {
    let wrong = OperandCheck.wrong(expected: "a session type (\(SessionType.contractNames))")
    switch self {
    case .null: return .right(.null)
    case .bool: return wrong
    case .number(let number): return Int32(exactly: number).flatMap(SessionType.init).map { .right(.type($0)) } ?? wrong
    case .string(let text): return SessionType(contractName: text).map { .right(.type($0)) } ?? wrong
    }
  }

  private func statusOperand() -> OperandCheck {
    let wrong = OperandCheck.wrong(expected: "a session status (\(SessionStatus.contractNames))")
    switch self {
    case .null: return .right(.null)
    case .bool: return wrong
    case .number(let number):
      return Int32(exactly: number).flatMap(SessionStatus.init).map { .right(.status($0)) } ?? wrong
    case .string(let text): return SessionStatus(contractName: text).map { .right(.status($0)) } ?? wrong
    }
  }

  private func timeOperand() -> OperandCheck {
    let wrong = OperandCheck.wrong(expected: "a time (RFC 3339, or milliseconds since 1970) from year 1 to 9999")
    switch self {
    case .null: return .right(.null)
    case .bool: return wrong
    case .number(let milliseconds): return Timestamp(milliseconds: milliseconds).map { .right(.time($0)) } ?? wrong
    case .string(let text): return Timestamp(rfc3339: text).map { .right(.time($0)) } ?? wrong
    }
  }
}
