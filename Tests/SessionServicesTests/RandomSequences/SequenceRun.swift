import ProtobufWellKnownTypes
import SessionAPI

/// A sequence as it runs: each step is made by the services and by the model, and what they say is compared.
struct SequenceRun {
  let store: ServedStore
  private(set) var model: SessionModel
  /// How many answers, sessions and events were compared.
  private(set) var comparisons = 0
  private var openLists: [Int: OpenList] = [:]
  private var keyOwners: [String: [(able: Set<String>, target: String)]] = [:]
  /// The last event that was compared.
  private var comparedSequence: Int64 = 0

  private struct OpenList {
    var request: ListSessionsRequest
    let condition: ModelCondition
    let last: Session
  }

  /// Where services and model disagree.
  struct Disagreement: Error {
    let what: String
    let expected: String
    let actual: String
  }

  /// Starts with nothing, as a seed says how.
  init(seed: UInt64) throws {
    var random = SequenceRandom(seed: seed &+ 1_000_000)
    var settings = ModelSettings()
    settings.maxSessions = random.pick([8, 20, 30])
    settings.sessionTimeout = random.pick([0, 60_000_000, 300_000_000])
    settings.capacityMemory = random.pick([nil, 4 << 30])
    settings.capacityCPU = random.pick([nil, 8000])
    settings.capacityDisk = random.pick([nil, 4 << 40])
    settings.eventRetention = random.pick([1800, 7 * 24 * 3600]) * 1_000_000
    settings.eventRetentionCount = random.pick([300, 900])
    store = try ServedStore(settings, cacheBytesMax: random.pick([1 << 14, 64 << 20]))
    model = SessionModel(settings: settings, now: store.clock.now().microseconds)
  }

  /// The steps whose lists have another page.
  var listsWithMore: [Int] { openLists.keys.sorted() }

  /// Makes one step. Throws `Disagreement`.
  mutating func perform(_ operation: Operation, step: Int) async throws {
    store.step.withLock { $0 = step }
    model.nextID = "\(StepIDs.id(step: step))"
    switch operation {
    case .call(let call, let revision):
      try await perform(call.resolved(revision, in: model), step: step)
    case .nextPage(let list, let pageSize):
      guard var list = openLists.removeValue(forKey: list) else { return }
      list.request.pageSize = pageSize
      try await perform(.list(list.request, list.condition, after: list.last), step: step)
    case .pass(let microseconds):
      try await store.pass(microseconds: microseconds)
      try model.pass(microseconds)
      try await compareCommits(andSession: nil)
    case .restart:
      try await store.restart()
      model.restart()
      try await compareAll(step: step)
    case .ill(let id, let isIll):
      if isIll { model.ill.insert(id) } else { model.ill.remove(id) }
      store.setHealth(of: id, isIll: isIll)
    case .queue(let id, let queue):
      // A session off the bus has none.
      guard model.sessions[id]?.registration != nil else { return }
      model.queues[id] = queue
      store.setQueue(of: id, queue)
    }
    if step % 500 == 499 { try await compareAll(step: step) }
  }

  private mutating func perform(_ call: Call, step: Int) async throws {
    let expected = model.attempt { (model) throws(ModelRefusal) in try model.perform(call) }
    let actual = try await store.perform(call)
    try compare(expected, actual, "the answer")
    if case .targetOfKey(let key, let able) = expected, case .target(let target) = actual {
      try compareKey(key, able, target)
    }
    if case .list(var request, let condition, _) = call, case .page(let sessions, _, _, let token) = actual,
      let last = sessions.last, !token.isEmpty
    {
      (request.pageToken, request.page) = (token, 0)
      openLists[step] = OpenList(request: request, condition: condition, last: last)
      if openLists.count > 8, let oldest = openLists.keys.min() { openLists[oldest] = nil }
    }
    guard !call.isRead else { return }
    if model.isAnyDue {
      // The time that a session was given is over already: the store looks at it now, or did so a moment ago.
      try await store.pass(microseconds: 0)
      try model.pass(0)
    }
    try await compareCommits(andSession: call.subject)
  }

  private mutating func compare(_ expected: Answer, _ actual: Answer, _ what: String) throws {
    comparisons += 1
    guard !expected.allows(actual) else { return }
    throw Disagreement(what: what, expected: brief(expected), actual: brief(actual))
  }

  private mutating func compareValues<Value: Hashable>(_ expected: Value, _ actual: Value, _ what: String) throws {
    comparisons += 1
    if expected != actual { throw Disagreement(what: what, expected: brief(expected), actual: brief(actual)) }
  }

  /// A key stays where it is, unless the target that had it went, or the one that has it came.
  private mutating func compareKey(_ key: String, _ able: Set<String>, _ target: String) throws {
    for earlier in keyOwners[key] ?? [] where earlier.able.contains(target) && able.contains(earlier.target) {
      try compareValues(earlier.target, target, "the target of \(key) among \(able.sorted())")
    }
    keyOwners[key] = (keyOwners[key] ?? []).suffix(20) + [(able, target)]
  }

  /// The new events, and the sessions that they name, as the store tells of them, and the one that the call was about.
  private mutating func compareCommits(andSession subject: String?) async throws {
    let (events, sessions) = store.commits.take()
    let expected = model.events.filter { $0.sequence > comparedSequence }
    comparedSequence = model.sequence
    try compareValues(expected, events, "the events")
    try compareValues(model.sessions.count, sessions.count, "the number of sessions")
    for id in Set(expected.map(\.sessionID)).sorted() {
      try compareValues(model.sessions[id], sessions[id], "the session afterwards")
    }
    if let subject { try await compareCall(.get(.with { $0.sessionID = subject }), "the session that was asked for") }
  }

  private mutating func compareCall(_ call: Call, _ what: String) async throws {
    let expected = model.attempt { (model) throws(ModelRefusal) in try model.perform(call) }
    try compare(expected, try await store.perform(call), what)
  }

  // MARK: Everything

  /// All sessions in every order, all events, templates and affinities, a watch, and the store's look at itself.
  mutating func compareAll(step: Int) async throws {
    for id in model.sessions.keys.sorted() {
      try await compareCall(.get(.with { $0.sessionID = id }), "session \(id)")
      try await compareCall(.getAffinity(.with { $0.sessionID = id }), "the affinity of \(id)")
      try await compareCall(.metrics(.with { $0.sessionID = id }), "the metrics of \(id)")
    }
    for (index, order) in ModelOrder.all.enumerated() {
      let request = ListSessionsRequest.with {
        $0.orderBy = [
          .with {
            $0.field = order.field
            $0.direction = (index + step) % 2 == 0 ? .asc : .desc
          }
        ]
        $0.pageSize = 1000
        $0.includeTotal = true
      }
      try await compareCall(.list(request, .all), "all sessions by \(order.field)")
    }
    for status in SessionStatus.allCases.dropFirst() {
      let request = ListSessionsRequest.with {
        $0.statuses = [status]
        $0.includeTotal = true
      }
      try await compareCall(.list(request, .all), "the total of \(status)")
    }
    try await compareCall(.stats, "the counts of all sessions")
    try await compareCall(.listTemplates(.init()), "the templates")
    try await compareCall(.listEvents(.with { $0.pageSize = 1000 }), "the history")
    try await compareWatches()
    try compareValues([], try await store.inconsistencies(), "the store's consistency")
  }

  private mutating func compareWatches() async throws {
    let services = try store.services
    var snapshot = try await services.watch { $0.includeSnapshot = true }
    let (sessions, sequence) = try await snapshot.snapshot()
    try compareValues(model.sequence, sequence, "the snapshot's sequence")
    try compareValues(model.sessions, Dictionary(uniqueKeysWithValues: sessions.map { ($0.id, $0) }), "the snapshot")
    guard let middle = model.events.dropFirst(model.events.count / 2).first?.sequence, middle > 1 else { return }
    var watch = try await services.watch { $0.afterSequence = middle - 1 }
    try compareValues(middle - 1, try await watch.bookmark() ?? -1, "where the watch starts")
    for expected in model.events where expected.sequence >= middle {
      try compareValues(expected, try await watch.event() ?? .init(), "the watched event")
    }
  }
}

extension Call {
  /// Whether it never changes anything.
  fileprivate var isRead: Bool {
    switch self {
    case .get, .list, .search, .getTemplate, .listTemplates, .getAffinity, .listEvents, .metrics, .stats: true
    default: false
    }
  }
}
