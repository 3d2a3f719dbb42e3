import ProtobufWellKnownTypes
import SessionAPI

/// SessionService's changes.
extension SessionModel {
  mutating func create(_ request: CreateSessionRequest) throws(ModelRefusal) -> Answer {
    guard let input = request.session else { throw .invalid("session") }
    var fields = ModelFields(prefix: "session.")
    let new = newSession(input, &fields)
    fields.check(requestID: request.requestID)
    let body = input.inputFields
    return .session(
      try createOnce("CreateSession", request.requestID, body, fields, parent: input.parentID) {
        (model) throws(ModelRefusal) in
        try model.admit(new)
        model.record(.created, new.id)
      })
  }

  /// The session that a repeat means, or a new one. `parent` is looked at after that: it may be gone since.
  mutating func createOnce(
    _ method: String, _ requestID: String, _ body: some Hashable, _ fields: ModelFields, parent: String,
    _ create: (inout SessionModel) throws(ModelRefusal) -> Void
  ) throws(ModelRefusal) -> Session {
    var withParent = fields
    withParent.check(parent: parent, in: self)
    if !fields.wrong.isEmpty || !parent.isEmpty && !Self.isID(parent) { try withParent.refuseAll() }
    let key = "\(method) \(requestID)"
    if !requestID.isEmpty, let earlier = requests[key], now - earlier.time <= settings.requestRetention {
      if earlier.body != AnyHashable(body) {
        throw ModelRefusal(
          code: .alreadyExists, reason: "REQUEST_ID_REUSED", metadata: ["request_id": requestID])
      }
      return self[try find(earlier.sessionID)]
    }
    try withParent.refuseAll()
    try create(&self)
    if !requestID.isEmpty { requests[key] = ModelRequest(body: body, sessionID: nextID, time: now) }
    return self[nextID]
  }

  /// The session that a create makes of its input.
  func newSession(_ input: Session, _ fields: inout ModelFields) -> Session {
    fields.check(type: input.type)
    fields.check(name: input.name)
    fields.check(workspace: input.workspace)
    let metadata = fields.check(metadata: input.metadata)
    var session = blankSession(input.type, input.name, input.workspace)
    session.metadata = metadata.isEmpty ? nil : .with { $0.fields = metadata }
    let capabilities = listed(input.capabilities, metadata, "capabilities")
    fields.check(list: capabilities, at: "capabilities")
    let constraints = listed(input.constraints, metadata, "constraints")
    fields.check(constraints: constraints, at: "constraints")
    fields.check(environment: input.environment)
    session.capabilities = capabilities.map(\.text)
    session.constraints = constraints.map(\.text)
    session.environment = input.environment
    session.parentID = input.parentID.lowercased()
    return session
  }

  func blankSession(_ type: SessionType, _ name: String, _ workspace: String) -> Session {
    .with {
      $0.id = nextID
      $0.type = type
      $0.name = name
      $0.status = .initializing
      $0.workspace = workspace
      $0.createTime = time
      $0.updateTime = time
      $0.lastActivityTime = time
    }
  }

  /// What is given, or else what the metadata lists.
  private func listed(
    _ given: [String], _ metadata: [String: Google_Protobuf_Value], _ key: String
  ) -> [(text: String, path: String)] {
    let strings = given.isEmpty ? metadata[key]?.strings : nil
    let path = strings == nil ? key : "metadata.\(key)"
    return (strings ?? given).enumerated().map { ($0.element, "\(path)[\($0.offset)]") }
  }

  /// Takes in a session when there is room for it.
  mutating func admit(_ session: Session) throws(ModelRefusal) {
    let unfinished = sessions.values.count { !Self.isFinal($0.status) }
    if unfinished >= settings.maxSessions {
      throw ModelRefusal(
        code: .resourceExhausted, reason: "SESSION_LIMIT", metadata: ["maxSessions": "\(settings.maxSessions)"])
    }
    try checkCapacity(for: session.id, session.resources)
    self[session.id] = session
    quietSince[session.id] = now
  }

  func checkCapacity(for id: String, _ resources: ResourceAllocation?) throws(ModelRefusal) {
    guard let resources else { return }
    let others = sessions.values.filter { $0.id != id }.compactMap(\.resources)
    let sums: [(setting: String, sum: Int64, capacity: Int64?)] = [
      ("capacityMemory", others.reduce(resources.memoryBytes) { $0 + $1.memoryBytes }, settings.capacityMemory),
      ("capacityCpu", others.reduce(resources.cpuMillicores) { $0 + $1.cpuMillicores }, settings.capacityCPU),
      ("capacityDisk", others.reduce(resources.diskBytes) { $0 + $1.diskBytes }, settings.capacityDisk),
    ]
    for (setting, sum, capacity) in sums {
      if let capacity, sum > capacity {
        throw ModelRefusal(code: .resourceExhausted, reason: "CAPACITY_EXCEEDED", metadata: ["setting": setting])
      }
    }
  }

  func checkConstraints(_ constraints: [String], allow resources: ResourceAllocation) throws(ModelRefusal) {
    for constraint in constraints {
      let parts = constraint.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let (name, value) = (String(parts[0]), String(parts[1]))
      let amounts: [String: (allocated: Int64, allowed: Int64?)] = [
        "max-memory": (resources.memoryBytes, ModelUnits.bytes(value)),
        "max-cpu": (resources.cpuMillicores, ModelUnits.millicores(value)),
        "max-disk": (resources.diskBytes, ModelUnits.bytes(value)),
      ]
      if let amount = amounts[name], let allowed = amount.allowed, amount.allocated > allowed {
        throw .precondition(
          "CONSTRAINT_EXCEEDED",
          ["constraint": name, "allocated": "\(amount.allocated)", "allowed": "\(allowed)"])
      }
    }
  }

  // MARK: Update

  mutating func update(_ request: UpdateSessionRequest) throws(ModelRefusal) -> Answer {
    guard let input = request.session else { throw .invalid("session") }
    let mask = request.updateMask?.paths ?? []
    let paths = mask.isEmpty ? input.givenFields : Set(mask)
    let id = input.id.lowercased()
    var after = sessions[id] ?? Session()
    let fields = replaceFields(of: &after, with: input, paths, expectedRevision: request.expectedRevision)
    try fields.refuseAll()
    _ = try find(input.id, at: "session.id")
    try checkRevision(id, request.expectedRevision)
    let before = self[id]
    if paths.contains("status"), before.status != input.status {
      guard Self.moves[before.status]?.contains(input.status) ?? false else {
        throw illegalMove(id, to: input.status)
      }
    }
    if paths.contains("constraints"), let resources = before.resources {
      try checkConstraints(after.constraints, allow: resources)
    }
    self[id] = after
    noteActivity(id)
    let changed = changes(from: before, to: after, paths)
    if !changed.isEmpty { record(.updated, id) { $0.changedFields = changed } }
    if paths.contains("status") {
      try move(id, to: input.status, reason: paths.contains("status_reason") ? input.statusReason : "")
    }
    return .session(self[id])
  }

  private func replaceFields(
    of session: inout Session, with input: Session, _ paths: Set<String>, expectedRevision: Int64
  ) -> ModelFields {
    var fields = ModelFields(prefix: "")
    fields.refuse("expected_revision", if: expectedRevision < 0)
    let known: Set<String> = [
      "name", "status", "status_reason", "workspace", "capabilities", "constraints", "environment", "parent_id",
      "metadata",
    ]
    fields.refuse("update_mask", if: !paths.allSatisfy { known.contains($0) || $0.hasPrefix("metadata.") })
    fields.prefix = "session."
    fields.refuse("id", if: input.id.isEmpty)
    for path in paths {
      switch path {
      case "name":
        fields.check(name: input.name)
        session.name = input.name
      case "workspace":
        fields.check(workspace: input.workspace)
        session.workspace = input.workspace
      case "status": fields.refuse("status", if: !SessionStatus.allCases.dropFirst().contains(input.status))
      case "status_reason":
        fields.refuse("status_reason", if: !paths.contains("status"))
        fields.check(reason: input.statusReason, at: "status_reason")
      case "capabilities":
        fields.check(list: Self.own(input.capabilities, "capabilities"), at: "capabilities")
        session.capabilities = input.capabilities
      case "constraints":
        fields.check(constraints: Self.own(input.constraints, "constraints"), at: "constraints")
        session.constraints = input.constraints
      case "environment":
        fields.check(environment: input.environment)
        session.environment = input.environment
      case "parent_id":
        let parent = input.parentID.lowercased()
        fields.check(parent: parent, in: self)
        fields.refuse("parent_id", if: !parent.isEmpty && ([parent] + ancestors(of: parent)).contains(session.id))
        session.parentID = parent
      default: break
      }
    }
    mergeMetadata(of: &session, with: input.metadata?.fields ?? [:], paths, &fields)
    return fields
  }

  private func mergeMetadata(
    of session: inout Session, with input: [String: Google_Protobuf_Value], _ paths: Set<String>,
    _ fields: inout ModelFields
  ) {
    var members = session.metadata?.fields ?? [:]
    let named = paths.filter { $0.hasPrefix("metadata.") }.map { String($0.dropFirst("metadata.".count)) }
    let keys = Set(named).union(paths.contains("metadata") ? Array(input.keys) : [])
    for key in keys {
      let value = input[key]
      if let value { fields.check(value, at: "metadata.\(key)", key: key, depth: 2) }
      members[key] = value?.kind == .nullValue(.nullValue) ? nil : value
    }
    // What it comes to together is looked at when each by itself is right, for a session that is there.
    let isAlone = fields.wrong.isEmpty && !session.id.isEmpty && !keys.isEmpty
    fields.refuse("metadata", if: isAlone && ModelFields.isTooLarge(members))
    session.metadata = members.isEmpty ? nil : .with { $0.fields = members }
  }

  static func own(_ texts: [String], _ field: String) -> [(text: String, path: String)] {
    texts.enumerated().map { ($0.element, "\(field)[\($0.offset)]") }
  }

  /// The paths that really changed, in the order of the fields.
  private func changes(from before: Session, to after: Session, _ paths: Set<String>) -> [String] {
    let (old, new) = (before.metadata?.fields ?? [:], after.metadata?.fields ?? [:])
    let keys = Set(old.keys).union(new.keys).filter { !isSame(old[$0], new[$0]) }
    let named = keys.filter { paths.contains("metadata.\($0)") }
    var changed: [String] = []
    if !isSame(before.name, after.name) { changed.append("name") }
    if !isSame(before.workspace, after.workspace) { changed.append("workspace") }
    if named.count < keys.count { changed.append("metadata") }
    changed += named.sorted().map { "metadata.\($0)" }
    if !isSame(before.capabilities, after.capabilities) { changed.append("capabilities") }
    if !isSame(before.constraints, after.constraints) { changed.append("constraints") }
    if !isSame(before.environment, after.environment) { changed.append("environment") }
    if before.parentID != after.parentID { changed.append("parent_id") }
    return changed
  }

  func checkRevision(_ id: String, _ expected: Int64) throws(ModelRefusal) {
    guard expected != 0, expected != self[id].revision else { return }
    throw ModelRefusal(
      code: .aborted, reason: "REVISION_CONFLICT",
      metadata: ["expected": "\(expected)", "actual": "\(self[id].revision)"])
  }

  // MARK: Delete

  mutating func delete(_ request: DeleteSessionRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("session_id", if: request.sessionID.isEmpty)
    fields.refuse("expected_revision", if: request.expectedRevision < 0)
    try fields.refuseAll()
    if request.allowMissing, sessions[request.sessionID.lowercased()] == nil { return .deleted(false) }
    let id = try find(request.sessionID)
    try checkRevision(id, request.expectedRevision)
    if !request.force {
      if !Self.isFinal(self[id].status) {
        throw .precondition("NOT_FINISHED", ["status": name(self[id].status)])
      }
      if !children(of: id).isEmpty { throw .precondition("HAS_CHILDREN") }
    }
    for child in children(of: id) {
      self[child].parentID = ""
      record(.updated, child) { $0.changedFields = ["parent_id"] }
    }
    try terminate(id, reason: "forced")
    record(.deleted, id)
    sessions[id] = nil
    queues[id] = nil
    meters[id] = nil
    quietSince[id] = nil
    leaveAffinities(id)
    return .deleted(true)
  }
}

/// Two spellings of one text look alike, and are two texts. Swift calls them equal.
func isSame(_ left: some Hashable, _ right: some Hashable) -> Bool {
  AnyHashable(left) == AnyHashable(right) && brief(left).utf8.elementsEqual(brief(right).utf8)
}

extension Session {
  /// Its texts, of which two can be alike and yet not the same.
  var texts: [String] {
    let values = [metadata?.fields["k"]?.stringValue, metadata?.fields["domain"]?.stringValue].compactMap { $0 }
    return [name, workspace, statusReason] + capabilities + constraints + values
  }

  /// What a create takes of it.
  var inputFields: Session {
    var input = self
    (input.id, input.status, input.statusReason, input.revision) = ("", .unspecified, "", 0)
    (input.templateName, input.clonedFrom, input.resources, input.registration) = ("", "", nil, nil)
    (input.createTime, input.updateTime, input.startTime) = (nil, nil, nil)
    (input.endTime, input.lastActivityTime) = (nil, nil)
    return input
  }

  /// The fields that an update without a mask means: those that are not as in a new message.
  var givenFields: Set<String> {
    let fields: [(String, Bool)] = [
      ("name", !name.isEmpty), ("status", status != .unspecified), ("status_reason", !statusReason.isEmpty),
      ("workspace", !workspace.isEmpty), ("metadata", !(metadata?.fields ?? [:]).isEmpty),
      ("capabilities", !capabilities.isEmpty), ("constraints", !constraints.isEmpty),
      ("environment", !environment.isEmpty), ("parent_id", !parentID.isEmpty),
    ]
    return Set(fields.filter(\.1).map(\.0))
  }
}

extension Google_Protobuf_Value {
  /// The texts of a list of nothing but texts.
  var strings: [String]? {
    guard case .listValue(let list)? = kind else { return nil }
    let texts = list.values.compactMap(\.stringValue)
    return texts.count == list.values.count ? texts : nil
  }
}
