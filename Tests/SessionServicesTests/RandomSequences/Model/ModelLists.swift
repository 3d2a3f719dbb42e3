import ProtobufWellKnownTypes
import SessionAPI

/// One field's value, as lists are ordered by it: what is missing, then numbers, then texts.
enum ModelKey: Comparable {
  case missing
  case number(Double)
  case text([UInt8])

  static func text(_ text: String) -> ModelKey { .text(Array(text.utf8)) }

  /// A text of which the empty one means none.
  static func optional(_ text: String) -> ModelKey { text.isEmpty ? .missing : .text(text) }

  static func time(_ time: Google_Protobuf_Timestamp?) -> ModelKey {
    time.map { .number(Double(SessionModel.microseconds($0))) } ?? .missing
  }

  static func < (left: ModelKey, right: ModelKey) -> Bool {
    switch (left, right) {
    case (.number(let left), .number(let right)): left < right
    case (.text(let left), .text(let right)): left.lexicographicallyPrecedes(right)
    case (.missing, .number), (.missing, .text), (.number, .text): true
    case (.missing, .missing), (.number, .missing), (.text, .missing), (.text, .number): false
    }
  }
}

/// What lists are ordered by here, and which of a session it is.
struct ModelOrder: Sendable {
  let field: String
  let key: @Sendable (Session) -> ModelKey

  static let all: [ModelOrder] = [
    ModelOrder(field: "id") { .text($0.id) }, ModelOrder(field: "type") { .number(Double($0.type.rawValue)) },
    ModelOrder(field: "name") { .text($0.name) }, ModelOrder(field: "status") { .number(Double($0.status.rawValue)) },
    ModelOrder(field: "workspace") { .text($0.workspace) }, ModelOrder(field: "parentId") { .optional($0.parentID) },
    ModelOrder(field: "template_name") { .optional($0.templateName) },
    ModelOrder(field: "clonedFrom") { .optional($0.clonedFrom) },
    ModelOrder(field: "statusReason") { .optional($0.statusReason) },
    ModelOrder(field: "createdAt") { .time($0.createTime) }, ModelOrder(field: "update_time") { .time($0.updateTime) },
    ModelOrder(field: "startedAt") { .time($0.startTime) }, ModelOrder(field: "endedAt") { .time($0.endTime) },
    ModelOrder(field: "lastActivity") { .time($0.lastActivityTime) },
    ModelOrder(field: "revision") { .number(Double($0.revision)) },
    ModelOrder(field: "metadata->>'priority'") { metadata($0, "priority") },
    ModelOrder(field: "metadata->'nested'->>'k'") { session in
      metadata(session.metadata?.fields["nested"]?.structValue?.fields["k"])
    },
    ModelOrder(field: "environment->>'LEVEL'") { $0.environment["LEVEL"].map { .text($0) } ?? .missing },
  ]

  static func metadata(_ session: Session, _ key: String) -> ModelKey { metadata(session.metadata?.fields[key]) }

  private static func metadata(_ value: Google_Protobuf_Value?) -> ModelKey {
    switch value?.kind {
    case .stringValue(let text)?: .text(text)
    case .numberValue(let number)?: .number(number)
    case .nullValue?, .boolValue?, .structValue?, .listValue?, nil: .missing
    }
  }

  /// The key of a field as it stands in a request; nil where no list is ordered by it.
  static func key(_ field: String) -> (@Sendable (Session) -> ModelKey)? { all.first { $0.field == field }?.key }
}

/// What sessions a request lists beside its types and statuses.
struct ModelCondition: Sendable {
  /// True, false, or nil for unknown; nil where the text is no condition.
  var test: (@Sendable (Session) -> Bool?)?

  static let all = ModelCondition { _ in true }
}

/// The calls that read.
extension SessionModel {
  func get(_ request: GetSessionRequest) throws(ModelRefusal) -> Answer {
    .session(self[try find(request.sessionID)])
  }

  /// A page of sessions. After a page token come the sessions behind `last`, as it was then.
  func list(
    _ request: ListSessionsRequest, _ condition: ModelCondition, after last: Session? = nil
  ) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    for (index, type) in request.types.enumerated() {
      fields.refuse("types[\(index)]", if: !SessionType.allCases.dropFirst().contains(type))
    }
    for (index, status) in request.statuses.enumerated() {
      fields.refuse("statuses[\(index)]", if: !SessionStatus.allCases.dropFirst().contains(status))
    }
    fields.refuse("where", if: condition.test == nil)
    for (index, order) in request.orderBy.enumerated() {
      fields.refuse("order_by[\(index)].field", if: ModelOrder.key(order.field) == nil)
      fields.refuse("order_by[\(index)].direction", if: !OrderBy.Direction.allCases.contains(order.direction))
    }
    fields.refuse("page_size", if: request.pageSize < 0)
    fields.refuse("page", if: request.page < 0 || request.page > 0 && !request.pageToken.isEmpty)
    try fields.refuseAll()
    guard request.pageToken.isEmpty || last != nil else {
      throw ModelRefusal(code: .invalidArgument, reason: "PAGE_TOKEN_INVALID", paths: ["page_token"])
    }
    let matching = sessions.values.filter { session in
      (request.types.isEmpty || request.types.contains(session.type))
        && (request.statuses.isEmpty || request.statuses.contains(session.status))
        && condition.test?(session) == true
    }
    let ordered = sorted(Array(matching), by: request.orderBy).filter { session in
      last.map { Self.precedes($0, session, by: request.orderBy) } ?? true
    }
    let size = request.pageSize == 0 ? 50 : Int(min(request.pageSize, 1000))
    let page = ordered.dropFirst(max(0, Int(request.page) - 1) * size)
    return .page(
      Array(page.prefix(size)), total: request.includeTotal ? matching.count : 0, sequence: sequence,
      token: page.count > size ? "more" : "")
  }

  func sorted(_ sessions: [Session], by order: [OrderBy]) -> [Session] {
    sessions.sorted { Self.precedes($0, $1, by: order) }
  }

  private static func precedes(_ left: Session, _ right: Session, by order: [OrderBy]) -> Bool {
    let order = order.isEmpty ? [.with { $0.field = "createdAt" }] : order
    for term in order {
      guard let key = ModelOrder.key(term.field) else { continue }
      let keys = (key(left), key(right))
      if keys.0 != keys.1 { return (keys.0 < keys.1) == (term.direction != .desc) }
      // Nothing is left to order after the id: the session itself, as it was on the page before.
      if term.field == "id" { return false }
    }
    return left.id < right.id
  }

  func search(_ request: SearchSessionsRequest) throws(ModelRefusal) -> Answer {
    if request.limit < 0 { throw .invalid("limit") }
    let sought = request.query.lowercased()
    let found = sessions.values.filter { session in
      [session.name, session.workspace, session.id, "\(session.type)"].contains { text in
        sought.isEmpty || text.lowercased().unicodeScalars.contains(sought.unicodeScalars)
      }
    }
    let byActivity = OrderBy.with {
      $0.field = "lastActivity"
      $0.direction = .desc
    }
    let limit = request.limit == 0 ? 50 : Int(min(request.limit, 1000))
    return .sessions(Array(sorted(Array(found), by: [byActivity]).prefix(limit)))
  }

  func listEvents(_ request: ListEventsRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("page_size", if: request.pageSize < 0)
    fields.refuse("after_sequence", if: request.afterSequence < 0)
    for (index, kind) in request.kinds.enumerated() {
      fields.refuse("kinds[\(index)]", if: !EventKind.allCases.dropFirst().contains(kind))
    }
    for (index, type) in request.sessionTypes.enumerated() {
      fields.refuse("session_types[\(index)]", if: !SessionType.allCases.dropFirst().contains(type))
    }
    try fields.refuseAll()
    if request.afterSequence > sequence { throw .invalid("after_sequence") }
    if request.afterSequence > 0, request.afterSequence < oldestSequence - 1 {
      throw ModelRefusal(
        code: .outOfRange, reason: "SEQUENCE_COMPACTED", metadata: ["oldest": "\(oldestSequence)"])
    }
    let ids = request.sessionIds.map { $0.lowercased() }
    let matching = events.filter { event in
      event.sequence > request.afterSequence && (request.kinds.isEmpty || request.kinds.contains(event.kind))
        && (request.sessionTypes.isEmpty || request.sessionTypes.contains(event.sessionType))
        && (ids.isEmpty || ids.contains(event.sessionID))
    }
    let size = request.pageSize == 0 ? 100 : Int(min(request.pageSize, 1000))
    return .events(Array(matching.prefix(size)), next: matching.dropFirst(size).first?.sequence)
  }
}
