import ProtobufWellKnownTypes
import RPCCore
import SessionAPI

/// What the services promise, written down a second time: everything in memory, one change after the other, nothing
/// clever. It follows the documents and the contract, and knows nothing of how the services do it.
///
/// A call that is refused throws and changes nothing, which is the caller's to see to: see `attempt`.
struct SessionModel {
  var settings: ModelSettings
  /// Microseconds since 1970.
  var now: Int64
  /// The id that a session would get that is created now.
  var nextID = ""

  var sessions: [String: Session] = [:]
  /// The events that are kept, oldest first.
  var events: [SessionEvent] = []
  /// The newest event.
  var sequence: Int64 = 0
  /// What was asked with a request id, by method and id.
  var requests: [String: ModelRequest] = [:]
  var templates: [String: Template] = [:]
  var affinities: [String: ModelAffinity] = [:]
  var queues: [String: ModelQueue] = [:]
  /// Sessions that are ill whatever their status says.
  var ill: Set<String> = []
  /// What sessions reported, and how many tasks were reported ever.
  var meters: [String: Meter] = [:]
  var tasks: Int64 = 0
  /// Since when a session is without activity, or in its status.
  var quietSince: [String: Int64] = [:]
}

struct ModelSettings: Hashable {
  var maxSessions = 100
  /// Microseconds; 0 for ever.
  var sessionTimeout: Int64 = 300_000_000
  var capacityMemory: Int64?
  var capacityCPU: Int64?
  var capacityDisk: Int64?
  var eventRetention: Int64 = 7 * 24 * 3_600_000_000
  var eventRetentionCount = 1_000_000
  let requestRetention: Int64 = 24 * 3_600_000_000
}

struct ModelQueue: Hashable {
  var waiting = 0
  var inDelivery = 0

  var pending: Int { waiting + inDelivery }
}

struct ModelRequest {
  var body: AnyHashable
  var sessionID: String
  var time: Int64
}

/// Why a call is refused: what the caller may rely on.
struct ModelRefusal: Error, Hashable {
  var code: StatusCode
  var reason: String
  /// What the error's metadata has at least.
  var metadata: [String: String] = [:]
  /// The fields that are wrong.
  var paths: Set<String> = []

  static func invalid(_ paths: Set<String>) -> ModelRefusal {
    ModelRefusal(code: .invalidArgument, reason: "INVALID_FIELD", paths: paths)
  }

  static func invalid(_ path: String) -> ModelRefusal { invalid([path]) }

  static func notFound(_ id: String) -> ModelRefusal {
    ModelRefusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": id])
  }

  static func precondition(_ reason: String, _ metadata: [String: String] = [:]) -> ModelRefusal {
    ModelRefusal(code: .failedPrecondition, reason: reason, metadata: metadata)
  }
}

extension SessionModel {
  /// The table of moves in session.proto.
  static let moves: [SessionStatus: [SessionStatus]] = [
    .initializing: [.active, .error], .active: [.idle, .completed, .error, .terminated], .idle: [.active, .terminated],
    .error: [.terminated],
  ]

  static func isFinal(_ status: SessionStatus) -> Bool { status == .completed || status == .terminated }

  static func isLive(_ status: SessionStatus) -> Bool { [.initializing, .active, .idle].contains(status) }

  var time: Google_Protobuf_Timestamp { Self.timestamp(now) }

  static func timestamp(_ microseconds: Int64) -> Google_Protobuf_Timestamp {
    .with {
      $0.seconds = microseconds / 1_000_000
      $0.nanos = Int32(microseconds % 1_000_000) * 1000
    }
  }

  static func microseconds(_ time: Google_Protobuf_Timestamp) -> Int64 {
    time.seconds * 1_000_000 + Int64(time.nanos / 1000)
  }

  /// Makes a change: all of it, or nothing when it is refused.
  mutating func attempt(_ change: (inout SessionModel) throws(ModelRefusal) -> Answer) -> Answer {
    var copy = self
    do throws(ModelRefusal) {
      let answer = try change(&copy)
      self = copy
      forgetOldEvents()
      return answer
    } catch {
      return .refused(error)
    }
  }

  // MARK: Sessions

  /// The id as the server writes it, when there is such a session.
  func find(_ id: String, at path: String = "session_id") throws(ModelRefusal) -> String {
    if id.isEmpty { throw .invalid(path) }
    guard sessions[id.lowercased()] != nil else {
      // An id is told as the server writes it.
      throw .notFound(Self.isID(id) ? id.lowercased() : id)
    }
    return id.lowercased()
  }

  /// Whether a text could be an id at all, among those that are used here.
  static func isID(_ text: String) -> Bool { text.count == 36 }

  subscript(id: String) -> Session {
    get { sessions[id] ?? Session() }
    set { sessions[id] = newValue }
  }

  func children(of id: String) -> [String] { sessions.values.filter { $0.parentID == id }.map(\.id).sorted() }

  /// All below a session, the deepest first, then by id.
  func below(_ id: String) -> [String] {
    deepestFirst(sessions.keys.filter { $0 != id && ancestors(of: $0).contains(id) })
  }

  func deepestFirst(_ ids: [String]) -> [String] {
    let depths = ids.map { (id: $0, depth: ancestors(of: $0).count) }
    return depths.sorted { ($1.depth, $0.id) < ($0.depth, $1.id) }.map(\.id)
  }

  /// The sessions above one, the nearest first.
  func ancestors(of id: String) -> [String] {
    var ancestors: [String] = []
    var parent = self[id].parentID
    while !parent.isEmpty {
      ancestors.append(parent)
      parent = self[parent].parentID
    }
    return ancestors
  }

  /// An event of a session, as it stands now.
  mutating func record(_ kind: EventKind, _ id: String, _ details: (inout SessionEvent) -> Void = { _ in }) {
    sequence += 1
    self[id].revision = sequence
    self[id].updateTime = time
    let session = self[id]
    var event = SessionEvent.with {
      $0.sequence = sequence
      $0.time = time
      $0.kind = kind
      $0.sessionID = id
      $0.sessionType = session.type
      $0.sessionName = session.name
      $0.newStatus = session.status
    }
    details(&event)
    events.append(event)
  }

  mutating func noteActivity(_ id: String) {
    self[id].lastActivityTime = time
    // What is initializing is to start, whatever else it does.
    if self[id].status != .initializing { quietSince[id] = now }
  }

  func illegalMove(_ id: String, to status: SessionStatus? = nil) -> ModelRefusal {
    let from = self[id].status
    var metadata = ["from": name(from), "allowed": (Self.moves[from] ?? []).map(name).joined(separator: ",")]
    if let status { metadata["to"] = name(status) }
    return .precondition("ILLEGAL_TRANSITION", metadata)
  }

  func name(_ status: SessionStatus) -> String { "\(status)".uppercased() }

  mutating func move(_ id: String, to status: SessionStatus, reason: String) throws(ModelRefusal) {
    let old = self[id].status
    guard old != status else { return }
    guard Self.moves[old]?.contains(status) ?? false else { throw illegalMove(id, to: status) }
    self[id].status = status
    self[id].statusReason = reason
    quietSince[id] = now
    if status == .active, self[id].startTime == nil { self[id].startTime = time }
    if Self.isFinal(status) { self[id].endTime = time }
    record(.statusChanged, id) {
      $0.oldStatus = old
      $0.reason = reason
    }
    if status == .error { record(.error, id) { $0.error = reason } }
    if status == .terminated { record(.terminated, id) { $0.reason = reason } }
    if Self.isFinal(status) {
      queues[id] = nil
      if self[id].registration != nil {
        self[id].registration = nil
        record(.deregistered, id) { $0.reason = reason }
      }
    }
  }

  /// Ends a session from whatever status it is in.
  mutating func terminate(_ id: String, reason: String) throws(ModelRefusal) {
    if Self.isFinal(self[id].status) { return }
    if self[id].status == .initializing {
      try move(id, to: .error, reason: "shut down before it started: \(reason)")
    }
    try move(id, to: .terminated, reason: reason)
  }

  // MARK: Time

  /// Time passes, and sessions that were not used meanwhile move on, once, whose time was over first coming first.
  mutating func pass(_ microseconds: Int64) throws(ModelRefusal) {
    now += microseconds
    for (_, id) in due.sorted(by: { $0 < $1 }) {
      let next: [SessionStatus: SessionStatus] = [.initializing: .error, .active: .idle, .idle: .terminated]
      if let status = next[self[id].status] { try move(id, to: status, reason: "inactivity timeout") }
    }
    forgetOldEvents()
  }

  var isAnyDue: Bool { !due.isEmpty }

  /// The sessions whose time is over.
  private var due: [(deadline: Int64, id: String)] {
    sessions.values.compactMap { session in
      guard Self.isLive(session.status), let timeout = timeout(of: session) else { return nil }
      let deadline = (quietSince[session.id] ?? now) + timeout
      return deadline <= now ? (deadline, session.id) : nil
    }
  }

  private func timeout(of session: Session) -> Int64? {
    let own = session.constraints.last { $0.hasPrefix("timeout:") }.flatMap { Int64($0.dropFirst("timeout:".count)) }
    let timeout = own.map { $0 * 1000 } ?? settings.sessionTimeout
    return timeout == 0 ? nil : timeout
  }

  /// The server stops and starts: what it only remembers is gone, and all times start afresh.
  mutating func restart() {
    quietSince = sessions.mapValues { _ in now }
    for owner in Array(affinities.keys) { affinities[owner]?.forgetTurns() }
  }

  /// The oldest event that is kept; one more than the newest when there is none.
  var oldestSequence: Int64 { events.first?.sequence ?? sequence + 1 }

  mutating func forgetOldEvents() {
    let cutoff = Self.timestamp(now - settings.eventRetention)
    let tooMany = max(0, events.count - settings.eventRetentionCount)
    let tooOld = events.prefix { event in
      guard let time = event.time else { return false }
      return (time.seconds, time.nanos) < (cutoff.seconds, cutoff.nanos)
    }.count
    if max(tooMany, tooOld) > 0 { events.removeFirst(max(tooMany, tooOld)) }
  }
}
