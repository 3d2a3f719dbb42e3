import ProtobufWellKnownTypes
import SessionAPI

/// LifecycleService's changes.
extension SessionModel {
  mutating func bootstrap(_ request: BootstrapSessionRequest) throws(ModelRefusal) -> Answer {
    guard let input = request.session else { throw .invalid("session") }
    var fields = ModelFields(prefix: "session.")
    var new = newSession(input, &fields)
    let resources = fields.check(resources: request.resources)
    fields.check(requestID: request.requestID)
    fields.prefix = ""
    fields.check(list: Self.own(request.messageTypes, "message_types"), at: "message_types")
    for (index, type) in request.messageTypes.enumerated() {
      fields.refuse("message_types[\(index)]", if: type != type.uppercased())
    }
    fields.refuse("priority", if: !MessagePriority.allCases.contains(request.priority))
    fields.prefix = "session."
    var body = request
    body.session = input.inputFields
    body.requestID = ""
    if body.resources == ResourceRequest() { body.resources = nil }
    return .session(
      try createOnce("BootstrapSession", request.requestID, body, fields, parent: input.parentID) {
        (model) throws(ModelRefusal) in
        try model.checkConstraints(new.constraints, allow: resources)
        new.resources = resources
        try model.admit(new)
        // Allocated, registered and started one after the other, as if by four calls.
        model[new.id].resources = nil
        model.record(.created, new.id)
        model[new.id].resources = resources
        model.record(.updated, new.id) { $0.changedFields = ["resources"] }
        model[new.id].registration = .with {
          $0.messageTypes = request.messageTypes
          $0.priority = request.priority
          $0.registerTime = model.time
        }
        model.record(.registered, new.id)
        try model.move(new.id, to: .active, reason: "")
      })
  }

  mutating func initialize(_ request: InitializeSessionRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("session_id", if: request.sessionID.isEmpty)
    let resources = fields.check(resources: request.resources)
    try fields.refuseAll()
    let id = try find(request.sessionID)
    guard self[id].status == .initializing else { throw illegalMove(id, to: .initializing) }
    try checkConstraints(self[id].constraints, allow: resources)
    try checkCapacity(for: id, resources)
    if self[id].resources != resources {
      self[id].resources = resources
      record(.updated, id) { $0.changedFields = ["resources"] }
    }
    return .session(self[id])
  }

  mutating func start(_ request: StartSessionRequest) throws(ModelRefusal) -> Answer {
    let id = try find(request.sessionID)
    try move(id, to: .active, reason: "")
    noteActivity(id)
    return .session(self[id])
  }

  /// A session with messages is not ended, and neither is one above it. Unlike all else, this changes something also
  /// when it is refused.
  mutating func shutDown(_ request: ShutdownSessionRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("session_id", if: request.sessionID.isEmpty)
    fields.check(timeout: request.timeout)
    fields.check(reason: request.reason, at: "reason")
    try fields.refuseAll()
    let id = try find(request.sessionID)
    var pending = 0
    for id in request.cascade ? below(id) + [id] : [id] {
      let waitsForOthers = request.cascade && below(id).contains { !Self.isFinal(self[$0].status) }
      guard !waitsForOthers, !Self.isFinal(self[id].status) else { continue }
      let count = queues[id]?.pending ?? 0
      if count == 0 {
        try terminate(id, reason: request.reason.isEmpty ? "normal" : request.reason)
      } else {
        pending += count
        if self[id].registration?.draining == false {
          self[id].registration?.draining = true
          record(.updated, id) { $0.changedFields = ["registration"] }
        }
      }
    }
    guard pending == 0 else {
      return .refused(
        ModelRefusal(code: .deadlineExceeded, reason: "DRAIN_TIMEOUT", metadata: ["pending": "\(pending)"]))
    }
    return .session(self[id])
  }

  mutating func forceShutDown(_ request: ForceShutdownSessionRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("session_id", if: request.sessionID.isEmpty)
    fields.check(reason: request.reason, at: "reason")
    try fields.refuseAll()
    let id = try find(request.sessionID)
    let ids = (request.cascade ? below(id) : []) + [id]
    let deadLettered = ids.reduce(0) { $0 + (queues[$1]?.pending ?? 0) }
    for id in ids { try terminate(id, reason: request.reason.isEmpty ? "forced" : request.reason) }
    return .forced(self[id], deadLettered: deadLettered)
  }

  mutating func shutDownAll(_ request: EmergencyShutdownRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.check(reason: request.reason, at: "reason")
    try fields.refuseAll()
    let ids = deepestFirst(sessions.values.filter { !Self.isFinal($0.status) }.map(\.id))
    for id in ids { try terminate(id, reason: request.reason.isEmpty ? "emergency" : request.reason) }
    return .ids(ids)
  }

  mutating func cleanUp(_ request: CleanupSessionRequest) throws(ModelRefusal) -> Answer {
    let id = try find(request.sessionID)
    guard Self.isFinal(self[id].status) else {
      throw .precondition("NOT_FINISHED", ["status": name(self[id].status)])
    }
    affinities[id] = nil
    if self[id].resources != nil {
      self[id].resources = nil
      record(.updated, id) { $0.changedFields = ["resources"] }
    }
    return .session(self[id])
  }

  mutating func migrate(_ request: MigrateSessionRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("session_id", if: request.sessionID.isEmpty)
    fields.check(workspace: request.workspace)
    fields.check(timeout: request.timeout)
    try fields.refuseAll()
    let id = try find(request.sessionID)
    guard Self.isLive(self[id].status) else { throw illegalMove(id) }
    let inDelivery = queues[id]?.inDelivery ?? 0
    guard inDelivery == 0 else {
      throw ModelRefusal(
        code: .deadlineExceeded, reason: "MIGRATION_TIMEOUT", metadata: ["in_delivery": "\(inDelivery)"])
    }
    noteActivity(id)
    if !isSame(self[id].workspace, request.workspace) {
      self[id].workspace = request.workspace
      record(.migrated, id) { $0.changedFields = ["workspace"] }
    }
    if !request.preserveState {
      queues[id] = nil
      meters[id]?.tasks = 0
      if self[id].metadata != nil {
        self[id].metadata = nil
        record(.updated, id) { $0.changedFields = ["metadata"] }
      }
      if self[id].registration != nil {
        self[id].registration = nil
        record(.deregistered, id) { $0.reason = "migrated" }
      }
    }
    return .session(self[id])
  }

  mutating func clone(_ request: CloneSessionRequest) throws(ModelRefusal) -> Answer {
    var fields = ModelFields(prefix: "")
    fields.refuse("session_id", if: request.sessionID.isEmpty)
    if !request.name.isEmpty { fields.check(name: request.name) }
    try fields.refuseAll()
    let source = self[try find(request.sessionID)]
    if !request.resetState, Self.isFinal(source.status) { throw illegalMove(source.id) }
    var name = String.UnicodeScalarView(source.name.unicodeScalars.prefix(256 - "-clone".count))
    name.append(contentsOf: "-clone".unicodeScalars)
    var clone = blankSession(source.type, request.name.isEmpty ? String(name) : request.name, source.workspace)
    clone.metadata = source.metadata
    clone.capabilities = source.capabilities
    clone.constraints = source.constraints
    clone.environment = source.environment
    clone.parentID = source.parentID
    clone.templateName = source.templateName
    clone.clonedFrom = source.id
    if request.copyResources { clone.resources = source.resources }
    if !request.resetState {
      clone.status = source.status
      clone.statusReason = source.statusReason
      if source.startTime != nil { clone.startTime = time }
    }
    try admit(clone)
    record(.created, clone.id)
    if !request.resetState { meters[clone.id] = Meter(tasks: meters[source.id]?.tasks ?? 0) }
    return .session(self[clone.id])
  }
}
