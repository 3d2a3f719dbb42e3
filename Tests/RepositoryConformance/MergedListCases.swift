import SessionDomain
import Testing

/// SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// A list, and what it has in the simplest form.
private struct ListModel {
  var query = SessionQuery()
  private var holds: (Session) -> Bool
  private var isOrdered: (Session, Session) -> Bool

  init(_ generator: inout SeededGenerator) throws {
    query.types = Self.some(of: SessionType.allCases, &generator)
    query.statuses = Self.some(of: SessionStatus.allCases, &generator)
    query.pageSize = Int.random(in: 1...9, using: &generator)
    query.includeTotal = Bool.random(using: &generator)
    let (types, statuses) = (query.types, query.statuses)
    let (text, parameters, test) = Self.conditions[Int.random(in: 0..<Self.conditions.count, using: &generator)]
    if !text.isEmpty { query.condition = try Condition.parse(text, parameters: parameters) }
    holds = { session in
      (types.isEmpty || types.contains(session.type)) && (statuses.isEmpty || statuses.contains(session.status))
        && test(session)
    }
    let time: (Session) -> Timestamp
    switch Int.random(in: 0..<6, using: &generator) {
    case 0, 1: (query.order, time) = ([SessionOrder(.createTime)], \.createTime)
    case 2: (query.order, time) = ([SessionOrder(.lastActivityTime), SessionOrder(.id)], \.lastActivityTime)
    case 3: (query.order, time) = ([SessionOrder(.lastActivityTime)], \.lastActivityTime)
    case 4: (query.order, time) = ([SessionOrder(.updateTime)], \.updateTime)
    default: (query.order, time) = ([], \.createTime)
    }
    let isDescending = Bool.random(using: &generator) && !query.order.isEmpty
    query.order = query.order.map { SessionOrder($0.field, isDescending: isDescending && $0.field != .id) }
    isOrdered = { left, right in
      if time(left) == time(right) { return left.id < right.id }
      return (time(left) < time(right)) != isDescending
    }
  }

  func ids(of sessions: [Session]) -> [SessionID] { sessions.filter(holds).sorted(by: isOrdered).map(\.id) }

  private static func some<Value>(of values: [Value], _ generator: inout SeededGenerator) -> [Value] {
    Array(values.shuffled(using: &generator).prefix(Int.random(in: 0...values.count, using: &generator)))
  }

  private static let conditions: [(String, [ConditionValue], @Sendable (Session) -> Bool)] = [
    ("", [], { _ in true }), ("", [], { _ in true }), ("name = ?", [.string("n1")], { $0.name == "n1" }),
    ("metadata->>'p' >= 1", [], { ($0.metadata["p"] ?? .null) != .null && $0.metadata["p"] != .number(0) }),
    (
      "type IN ('ACTIVE', 'OBSERVER') AND NOT (name = 'n0')", [],
      { [.active, .observer].contains($0.type) && $0.name != "n0" }
    ),
    ("status = 'ACTIVE' AND name != 'n2'", [], { $0.status == .active && $0.name != "n2" }),
    ("type = 'DIRECTOR' AND status IN ('IDLE', 'ERROR')", [], { $0.type == .director && $0.status.isIdleOrError }),
  ]
}

extension SessionStatus {
  fileprivate var isIdleOrError: Bool { self == .idle || self == .error }
}

let mergedListCases = [
  ConformanceCase("Lists of any types and statuses have what is theirs, in order, and page by page") {
    (fixture) async throws in
    let repository = fixture.repository
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(state: seed)
    for number in 0..<90 {
      let type = SessionType.allCases[Int.random(in: 0..<SessionType.allCases.count, using: &generator)]
      let session = try await repository.create("n\(number % 3)", type) { draft in
        if number % 4 > 0 { draft.metadata = ["p": .number(Double(number % 4 - 1))] }
      }
      // Sessions of one moment, and activity in another order than that of creation.
      if Bool.random(using: &generator) { fixture.clock.advance(by: .milliseconds(1)) }
      let status = SessionStatus.allCases[Int.random(in: 0..<SessionStatus.allCases.count, using: &generator)]
      _ = try await repository.bring(session.id, to: status)
    }
    let all = try await repository.list(.with { $0.pageSize = 1000 }).sessions
    for session in all.shuffled(using: &generator).prefix(30) where !session.status.isFinal {
      if Bool.random(using: &generator) { fixture.clock.advance(by: .milliseconds(1)) }
      _ = try await repository.update(session.id, .rename(session.name), expectedRevision: nil)
    }
    let sessions = try await repository.list(.with { $0.pageSize = 1000 }).sessions
    #expect(sessions.count == 90 && Set(sessions.map(\.status)).count > 1)
    for round in 0..<150 {
      let model = try ListModel(&generator)
      let ids = model.ids(of: sessions)
      var found: [SessionID] = []
      var query = model.query
      repeat {
        let page = try await repository.list(query)
        found += page.sessions.map(\.id)
        #expect(page.totalSize == (query.includeTotal ? Int64(ids.count) : nil), "seed \(seed), round \(round)")
        query.pageToken = page.nextPageToken
      } while !query.pageToken.isEmpty && found.count <= sessions.count
      #expect(found == ids, "seed \(seed), round \(round): \(model.query)")
    }
  }
]
