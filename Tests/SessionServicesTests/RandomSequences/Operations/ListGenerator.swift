import ProtobufWellKnownTypes
import SessionAPI

/// Lists, searches and history.
extension OperationGenerator {
  mutating func list(_ model: SessionModel) -> Call {
    var request = ListSessionsRequest.with {
      $0.types = [SessionType.director, .department, .observer, .active].filter { _ in random.isChosen(1, in: 6) }
      $0.statuses = SessionStatus.allCases.dropFirst().filter { _ in random.isChosen(1, in: 8) }
      $0.pageSize = random.pick([0, 1, 2, 3, 5, 10, 1000, 1001])
      $0.includeTotal = random.isChosen(1, in: 2)
      $0.page = random.pick([0, 0, 0, 1, 2, 3])
      $0.orderBy = (0..<random.pick([0, 1, 1, 2, 3])).map { _ in
        .with {
          $0.field = random.pick(ModelOrder.all).field
          $0.direction = random.pick([.unspecified, .asc, .desc, .desc])
        }
      }
      if random.isChosen(1, in: 40) { $0.types.append(random.pick([.unspecified, .unrecognized(9)])) }
      if random.isChosen(1, in: 40) { $0.statuses.append(random.pick([.unspecified, .unrecognized(9)])) }
      if random.isChosen(1, in: 40) { $0.pageSize = -1 }
      if random.isChosen(1, in: 40) { $0.page = -1 }
      if random.isChosen(1, in: 40) { $0.orderBy.append(.with { $0.field = "nothing" }) }
      if random.isChosen(1, in: 40) {
        $0.orderBy.append(
          .with {
            $0.field = "name"
            $0.direction = .unrecognized(9)
          })
      }
      if random.isChosen(1, in: 30) { $0.pageToken = "nonsense" }
    }
    guard random.isChosen(1, in: 2) else { return .list(request, .all) }
    var conditions = ConditionGenerator(random: random, model: model)
    let (text, test) = conditions.condition()
    random = conditions.random
    request.where = text
    request.params = conditions.params
    return .list(request, ModelCondition(test: test))
  }

  mutating func search(_ model: SessionModel) -> Call {
    let some = model.sessions.isEmpty ? "" : random.pick(model.sessions.keys.sorted())
    return .search(
      .with {
        $0.query = random.pick(
          ["", "a", "A", "dir", "ACTIVE", "observer", "/work", "\u{c9}", "e\u{301}", "-clone", "none"] + [some, some]
            + [String(some.suffix(6))])
        $0.limit = random.pick([0, 0, 1, 3, 2000, -1])
      })
  }

  mutating func listEvents(_ model: SessionModel) -> Call {
    let request = ListEventsRequest.with {
      $0.kinds = EventKind.allCases.dropFirst().filter { _ in random.isChosen(1, in: 8) }
      $0.sessionIds = model.sessions.keys.sorted().filter { _ in random.isChosen(1, in: 60) }
      $0.sessionTypes = [SessionType.director, .active].filter { _ in random.isChosen(1, in: 5) }
      $0.pageSize = random.pick([0, 1, 5, 50, 1000, 2000])
      if random.isChosen(1, in: 20) { $0.sessionIds += random.pick([["nonsense"], [ServedStore.nobody]]) }
      if random.isChosen(1, in: 30) { $0.pageSize = -1 }
      if random.isChosen(1, in: 30) { $0.kinds.append(random.pick([.unspecified, .unrecognized(99)])) }
    }
    let position = random.pick(
      [
        .asGiven, .afterNewest(0), .afterNewest(-10), .afterNewest(-100), .afterNewest(1), .beforeOldest(1),
        .beforeOldest(2), .beforeOldest(0),
      ] as [Position])
    return .listEvents(request, position)
  }
}

/// Makes conditions together with what they mean.
struct ConditionGenerator {
  typealias Test = @Sendable (Session) -> Bool?

  var random: SequenceRandom
  let model: SessionModel
  private(set) var params: [Google_Protobuf_Value] = []

  init(random: SequenceRandom, model: SessionModel) {
    self.random = random
    self.model = model
  }

  /// The text and its meaning; without one where the text is wrong.
  mutating func condition() -> (String, Test?) {
    if random.isChosen(1, in: 12) {
      return (
        random.pick(
          [
            "", "nothing = 1", "name =", "status = 'ASLEEP'", "name = 'a", "(name = 'a'", "name LIKE",
            "createdAt > 'then'",
            "name = 'a' name = 'b'", "capabilities = 'c1'", "metadata = 'k'",
          ].filter { !$0.isEmpty }), nil
      )
    }
    return disjunction(depth: 2)
  }

  private mutating func disjunction(depth: Int) -> (String, Test) {
    let isOr = random.isChosen(1, in: 2)
    var (text, test) = term(depth: depth)
    for _ in 0..<random.pick([0, 0, 1, 2]) {
      let (otherText, other) = term(depth: depth)
      let first = test
      text += (isOr ? random.pick([" OR ", " or "]) : " AND ") + otherText
      test = { session in
        let truths = [first(session), other(session)]
        // One that decides, decides; otherwise one that is unknown makes all unknown.
        return truths.contains(isOr) ? isOr : truths.contains(nil) ? nil : !isOr
      }
    }
    return (text, test)
  }

  private mutating func term(depth: Int) -> (String, Test) {
    var (text, test) = depth > 0 && random.isChosen(1, in: 4) ? disjunction(depth: depth - 1) : self.test()
    text = "(\(text))"
    if random.isChosen(1, in: 4) {
      let inner = test
      text = "NOT \(text)"
      test = { session in inner(session).map { !$0 } }
    }
    return (text, test)
  }

  private mutating func test() -> (String, Test) {
    switch random.pick(0..<10) {
    case 0: return statuses()
    case 1: return types()
    case 2: return name()
    case 3: return metadata()
    case 4: return priority()
    case 5: return parent()
    case 6: return revision()
    case 7: return times()
    case 8: return has()
    default: return missing()
    }
  }

  /// A literal, or a mark and its parameter.
  private mutating func value(_ text: String) -> String {
    guard random.isChosen(1, in: 2) else { return "'\(text)'" }
    params.append(.text(text))
    return "?"
  }

  private mutating func statuses() -> (String, Test) {
    let names = ["ACTIVE", "idle", "SESSION_STATUS_ERROR", "Terminated", "INITIALIZING"]
    let chosen = (0..<random.pick(1..<3)).map { _ in random.pick(names) }
    let statuses = chosen.map { name in
      SessionStatus.allCases.first { name.lowercased().hasSuffix("\($0)") } ?? .unspecified
    }
    let list = chosen.map { value($0) }.joined(separator: ", ")
    return random.isChosen(1, in: 2)
      ? ("status IN (\(list))", { statuses.contains($0.status) })
      : ("status NOT IN (\(list))", { !statuses.contains($0.status) })
  }

  private mutating func types() -> (String, Test) {
    let name = random.pick(["DIRECTOR", "observer", "SESSION_TYPE_ACTIVE"])
    let type = SessionType.allCases.first { name.lowercased().hasSuffix("\($0)") }
    return random.isChosen(1, in: 2)
      ? ("type = \(value(name))", { $0.type == type }) : ("type <> \(value(name))", { $0.type != type })
  }

  private mutating func name() -> (String, Test) {
    switch random.pick(0..<3) {
    case 0:
      let name = random.pick(["a", "b", "\u{e9}", "x'x"])
      let literal = value(name).replacing("x'x", with: "x''x")
      return ("name = \(literal)", { $0.name.utf8.elementsEqual(name.utf8) })
    case 1:
      return ("name LIKE \(value("A%"))", { $0.name.utf8.first.map { $0 | 0x20 } == UInt8(ascii: "a") })
    default: return ("name NOT LIKE \(value("_"))", { $0.name.unicodeScalars.count != 1 })
    }
  }

  private mutating func metadata() -> (String, Test) {
    let domain = random.pick(["data", "web"])
    let key: @Sendable (Session) -> String? = { $0.metadata?.fields["domain"]?.stringValue }
    return random.isChosen(1, in: 2)
      ? ("metadata->>'domain' = \(value(domain))", { key($0).map { $0 == domain } })
      : ("metadata ->> 'domain' != \(value(domain))", { key($0).map { $0 != domain } })
  }

  /// Numbers equal numbers only, and are neither less nor greater than texts.
  private mutating func priority() -> (String, Test) {
    let number = random.pick([1, 2, 3.0])
    let isEqual = random.isChosen(1, in: 2)
    let test: Test = { session in
      switch ModelOrder.metadata(session, "priority") {
      case .missing: nil
      case .number(let value): isEqual ? value == number : value < number
      case .text: isEqual ? false : nil
      }
    }
    return ("metadata->>'priority' \(isEqual ? "=" : "<") \(number)", test)
  }

  private mutating func parent() -> (String, Test) {
    if random.isChosen(1, in: 2) { return ("parentId IS NOT NULL", { !$0.parentID.isEmpty }) }
    let parents = model.sessions.values.map(\.parentID).filter { !$0.isEmpty }.sorted()
    let id = parents.isEmpty ? ServedStore.nobody : random.pick(parents)
    return ("parent_id = \(value(id))", { $0.parentID.isEmpty ? nil : $0.parentID == id })
  }

  private mutating func revision() -> (String, Test) {
    let revision = model.sequence - Int64(random.pick(0..<60))
    return random.isChosen(1, in: 2)
      ? ("revision >= \(revision)", { $0.revision >= revision })
      : ("revision BETWEEN \(revision) AND \(revision + 20)", { (revision...revision + 20).contains($0.revision) })
  }

  private mutating func times() -> (String, Test) {
    let milliseconds = model.now / 1000 - Int64(random.pick(0..<100_000))
    let key: @Sendable (Google_Protobuf_Timestamp?) -> Bool? = { time in
      time.map { $0.seconds * 1_000_000 + Int64($0.nanos / 1000) <= milliseconds * 1000 }
    }
    switch random.pick(0..<3) {
    case 0: return ("createdAt <= \(milliseconds)", { key($0.createTime) })
    case 1: return ("start_time <= \(milliseconds)", { key($0.startTime) })
    default: return ("lastActivity > \(milliseconds)", { key($0.lastActivityTime).map { !$0 } })
    }
  }

  private mutating func has() -> (String, Test) {
    let entry = random.pick(["c1", "c2", "zone:eu"])
    return random.isChosen(1, in: 2)
      ? ("capabilities HAS \(value(entry))", { $0.capabilities.contains(entry) })
      : ("constraints has \(value(entry))", { $0.constraints.contains(entry) })
  }

  private mutating func missing() -> (String, Test) {
    switch random.pick(0..<4) {
    case 0: return ("statusReason IS NULL", { $0.statusReason.isEmpty })
    case 1: return ("endedAt is not null", { $0.endTime != nil })
    case 2: return ("templateName IS NOT NULL", { !$0.templateName.isEmpty })
    default: return ("environment->>'LEVEL' IS NULL", { $0.environment["LEVEL"] == nil })
    }
  }
}
