/// Parses conditions by recursive descent, one token ahead. Only parentheses recurse, and they are counted.
struct ConditionParser {
  private var lexer: ConditionLexer
  private var token: ConditionToken
  private let parameters: [ConditionValue]
  private var parametersUsed = 0
  private var tests = 0
  private var depth = 0

  init(_ text: String, parameters: [ConditionValue]) throws(ConditionError) {
    lexer = try ConditionLexer(text)
    token = try lexer.next()
    self.parameters = parameters
  }

  /// Parses the whole text as a condition.
  mutating func condition() throws(ConditionError) -> Condition {
    let condition = try disjunction()
    try expectEnd("AND, OR or the end of the text")
    guard parametersUsed == parameters.count else {
      throw ConditionError(
        position: token.position, expected: "one parameter for each ?",
        found: "\(parameters.count) for \(parametersUsed)")
    }
    return condition
  }

  /// Parses the whole text as a field.
  mutating func orderField() throws(ConditionError) -> SessionField {
    let field = try field(expecting: "a field (\(SessionField.names))")
    try expectEnd("the end of the text")
    return field
  }
}

extension ConditionParser {
  private mutating func disjunction() throws(ConditionError) -> Condition {
    let first = try conjunction()
    var terms = [first]
    while try take(.or) { terms.append(try conjunction()) }
    return terms.count == 1 ? first : .any(terms)
  }

  private mutating func conjunction() throws(ConditionError) -> Condition {
    let first = try negation()
    var terms = [first]
    while try take(.and) { terms.append(try negation()) }
    return terms.count == 1 ? first : .all(terms)
  }

  private mutating func negation() throws(ConditionError) -> Condition {
    try take(.not) ? .not(try group()) : try group()
  }

  private mutating func group() throws(ConditionError) -> Condition {
    guard token.kind == .symbol(.open) else { return try test() }
    guard depth < Condition.depthMax else {
      throw error("at most \(Condition.depthMax) parentheses inside one another")
    }
    depth += 1
    try advance()
    let condition = try disjunction()
    try expect(.close, "AND, OR or ')'")
    depth -= 1
    return condition
  }

  private mutating func test() throws(ConditionError) -> Condition {
    guard tests < Condition.testsMax else { throw error("at most \(Condition.testsMax) tests") }
    tests += 1
    if case .word(let word) = token.kind, let list = SessionListField(rawValue: word) {
      try advance()
      guard try take(.has) else { throw error("HAS") }
      return .test(.has(list, try value { $0.plainOperand() }))
    }
    return try test(of: try field(expecting: "a field (\(SessionField.names)) or list (capabilities, constraints)"))
  }

  private mutating func test(of field: SessionField) throws(ConditionError) -> Condition {
    if let comparison = comparison {
      try advance()
      return .test(.compare(field, comparison, try value { $0.operand(for: field) }))
    }
    if try take(.is) {
      let negated = try take(.not)
      guard try take(.null) else { throw error(negated ? "NULL" : "NULL or NOT NULL") }
      return negated ? .not(.test(.isNull(field))) : .test(.isNull(field))
    }
    let negated = try take(.not)
    let test: ConditionTest
    if try take(.in) {
      test = .isIn(field, try values(for: field))
    } else if try take(.like) {
      test = .like(field, try value { $0.patternOperand() })
    } else if try take(.between) {
      let low = try value { $0.operand(for: field) }
      guard try take(.and) else { throw error("AND and the upper value") }
      test = .between(field, low, try value { $0.operand(for: field) })
    } else {
      throw error(negated ? "IN, LIKE or BETWEEN" : "a comparison, IN, LIKE, BETWEEN, IS or NOT")
    }
    return negated ? .not(.test(test)) : .test(test)
  }

  private var comparison: Comparison? {
    guard case .symbol(let symbol) = token.kind else { return nil }
    return switch symbol {
    case .equal: .equal
    case .notEqual, .notEqualAlternative: .notEqual
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .greater: .greater
    case .greaterOrEqual: .greaterOrEqual
    case .arrow, .textArrow, .open, .close, .comma: nil
    }
  }
}

extension ConditionParser {
  private mutating func field(expecting expected: String) throws(ConditionError) -> SessionField {
    guard case .word(let word) = token.kind else { throw error(expected) }
    switch word {
    case "metadata":
      try advance()
      return .metadata(try metadataKeys())
    case "environment":
      try advance()
      try expect(.textArrow, "->> and the name of a variable")
      return .environment(try key())
    default:
      guard let field = SessionField(name: word) else { throw error(expected) }
      try advance()
      return field
    }
  }

  private mutating func metadataKeys() throws(ConditionError) -> [String] {
    var keys: [String] = []
    while true {
      let isLast = token.kind == .symbol(.textArrow)
      guard isLast || token.kind == .symbol(.arrow) else { throw error("-> or ->> and a key") }
      guard keys.count < SessionField.metadataDepthMax else {
        throw error("at most \(SessionField.metadataDepthMax) keys")
      }
      try advance()
      keys.append(try key())
      if isLast { return keys }
    }
  }

  private mutating func key() throws(ConditionError) -> String {
    guard case .text(let key) = token.kind else { throw error("a key in quotes") }
    try advance()
    return key
  }
}

extension ConditionParser {
  private mutating func values(for field: SessionField) throws(ConditionError) -> [ConditionOperand] {
    try expect(.open, "'('")
    var operands: [ConditionOperand] = []
    repeat {
      operands.append(try value { $0.operand(for: field) })
    } while try take(.comma)
    try expect(.close, "',' or ')'")
    return operands
  }

  private mutating func value(
    _ check: (ConditionValue) -> OperandCheck
  ) throws(ConditionError) -> ConditionOperand {
    let value: ConditionValue
    switch token.kind {
    case .text(let text): value = .string(text)
    case .number(let number): value = .number(number)
    case .mark: value = try parameter()
    case .word(let word) where word.lowercased() == "true": value = .bool(true)
    case .word(let word) where word.lowercased() == "false": value = .bool(false)
    case .word, .symbol, .end: throw error("a value")
    }
    switch check(value) {
    case .right(let operand):
      try advance()
      return operand
    case .wrong(let expected):
      throw ConditionError(position: token.position, expected: expected, found: value.shown)
    }
  }

  private mutating func parameter() throws(ConditionError) -> ConditionValue {
    guard parametersUsed < parameters.count else {
      throw ConditionError(
        position: token.position, expected: "one parameter for each ?", found: "only \(parameters.count)")
    }
    defer { parametersUsed += 1 }
    return parameters[parametersUsed]
  }
}

extension ConditionParser {
  private enum Keyword: String {
    case and, or, not, `in`, like, `is`, null, between, has
  }

  private func error(_ expected: String) -> ConditionError {
    ConditionError(position: token.position, expected: expected, found: lexer.shown(token))
  }

  private mutating func advance() throws(ConditionError) {
    token = try lexer.next()
  }

  private mutating func take(_ keyword: Keyword) throws(ConditionError) -> Bool {
    guard case .word(let word) = token.kind, word.lowercased() == keyword.rawValue else { return false }
    try advance()
    return true
  }

  private mutating func take(_ symbol: ConditionToken.Symbol) throws(ConditionError) -> Bool {
    guard token.kind == .symbol(symbol) else { return false }
    try advance()
    return true
  }

  private mutating func expect(
    _ symbol: ConditionToken.Symbol, _ expected: String
  ) throws(ConditionError) {
    guard try take(symbol) else { throw error(expected) }
  }

  private func expectEnd(_ expected: String) throws(ConditionError) {
    guard token.kind == .end else { throw error(expected) }
  }
}
