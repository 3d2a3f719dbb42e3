import ProtobufWellKnownTypes
import SessionAPI

/// A session's affinity, and whose turn it is.
struct ModelAffinity {
  var affinity: Affinity
  /// The targets as they were given: the deleted ones too.
  let order: [String]
  var last: Int?
  var credits: [String: Int] = [:]
  var lastLook: Int64?
  var ill: Set<String> = []

  mutating func forgetTurns() { self = ModelAffinity(affinity: affinity, order: order) }

  init(affinity: Affinity, order: [String]) {
    self.affinity = affinity
    self.order = order
  }

  /// The next one in the order given, after the last one that was taken.
  mutating func nextInOrder(of able: Set<String>) -> String? {
    let start = (last ?? -1) + 1
    let places = Array(order.indices.dropFirst(start)) + Array(order.indices.prefix(start))
    guard let place = places.first(where: { able.contains(order[$0]) }) else { return nil }
    last = place
    return order[place]
  }

  /// The one that is furthest behind its share.
  mutating func nextByWeight(of able: [AffinityTarget]) -> String? {
    for target in able { credits[target.sessionID, default: 0] += Int(target.weight) }
    let most = able.map { credits[$0.sessionID] ?? 0 }.max()
    guard let chosen = able.first(where: { credits[$0.sessionID] == most })?.sessionID else { return nil }
    credits[chosen, default: 0] -= able.reduce(0) { $0 + Int($1.weight) }
    return chosen
  }
}

/// AffinityService.
extension SessionModel {
  mutating func setAffinity(_ request: SetSessionAffinityRequest) throws(ModelRefusal) -> Answer {
    guard let input = request.affinity else { throw .invalid("affinity") }
    var fields = ModelFields(prefix: "affinity.")
    fields.refuse("session_id", if: input.sessionID.isEmpty)
    fields.refuse("targets", if: input.targets.isEmpty)
    var seen: Set<String> = []
    for (index, target) in input.targets.enumerated() {
      let id = target.sessionID.lowercased()
      fields.refuse("targets[\(index)].session_id", if: id.isEmpty || id == input.sessionID.lowercased())
      fields.refuse("targets[\(index)].session_id", if: sessions[id]?.type == .observer)
      fields.refuse("targets[\(index)].session_id", if: !id.isEmpty && !seen.insert(id).inserted)
      fields.refuse("targets[\(index)].weight", if: target.weight < 0)
    }
    fields.refuse("strategy", if: !AffinityStrategy.allCases.contains(input.strategy))
    if let interval = input.healthCheckInterval {
      fields.refuse("health_check_interval", if: interval.seconds < 0 || interval.seconds + Int64(interval.nanos) == 0)
    }
    try fields.refuseAll()
    let owner = try find(input.sessionID)
    var affinity = input
    affinity.sessionID = owner
    for (index, target) in input.targets.enumerated() {
      affinity.targets[index].sessionID = try find(target.sessionID)
      affinity.targets[index].weight = max(1, target.weight)
    }
    if input.strategy == .unspecified { affinity.strategy = .roundRobin }
    if input.healthCheckInterval == nil { affinity.healthCheckInterval = .with { $0.seconds = 10 } }
    affinity.updateTime = time
    affinities[owner] = ModelAffinity(affinity: affinity, order: affinity.targets.map(\.sessionID))
    return .affinity(affinity)
  }

  func affinity(of id: String) throws(ModelRefusal) -> ModelAffinity {
    let id = try find(id)
    guard let affinity = affinities[id] else {
      throw ModelRefusal(code: .notFound, reason: "AFFINITY_NOT_FOUND", metadata: ["session_id": id])
    }
    return affinity
  }

  mutating func deleteAffinity(of id: String) throws(ModelRefusal) -> Answer {
    _ = try affinity(of: id)
    affinities[id.lowercased()] = nil
    return .nothing
  }

  /// A deleted session leaves all affinities, its own and those of which it is a target.
  mutating func leaveAffinities(_ id: String) {
    affinities[id] = nil
    let time = time
    for owner in Array(affinities.keys) {
      guard var targets = affinities[owner]?.affinity.targets, targets.contains(where: { $0.sessionID == id }) else {
        continue
      }
      targets.removeAll { $0.sessionID == id }
      affinities[owner]?.affinity.targets = targets
      affinities[owner]?.affinity.updateTime = time
    }
  }

  /// Takes the turn, also when the answer is a refusal.
  mutating func resolve(_ request: ResolveAffinityRequest) throws(ModelRefusal) -> Answer {
    var memory = try affinity(of: request.sessionID)
    let owner = request.sessionID.lowercased()
    defer { affinities[owner] = memory }
    let affinity = memory.affinity
    let interval = (affinity.healthCheckInterval ?? .init()).microseconds
    if memory.lastLook.map({ now - $0 >= interval }) ?? true {
      memory.lastLook = now
      memory.ill = ill.union(sessions.values.filter { [.error, .terminated].contains($0.status) }.map(\.id))
    }
    if affinity.strategy == .consistentHash, request.affinityKey.isEmpty {
      return .refused(.invalid("affinity_key"))
    }
    let able = affinity.targets.filter { canTakeWork($0.sessionID) && !memory.ill.contains($0.sessionID) }
    if able.isEmpty {
      return .refused(
        ModelRefusal(code: .unavailable, reason: "NO_TARGET", metadata: ["session_id": owner]))
    }
    let ids = able.map(\.sessionID)
    switch affinity.strategy {
    case .weighted: return .target(memory.nextByWeight(of: able) ?? "")
    case .consistentHash: return .targetOfKey(request.affinityKey, among: Set(ids))
    case .leastLoaded:
      let shortest = ids.map(queueLength).min()
      return .target(memory.nextInOrder(of: Set(ids.filter { queueLength($0) == shortest })) ?? "")
    case .roundRobin, .unspecified, .unrecognized: return .target(memory.nextInOrder(of: Set(ids)) ?? "")
    }
  }

  private func canTakeWork(_ id: String) -> Bool {
    let session = self[id]
    return [.active, .idle].contains(session.status) && session.registration?.draining == false
      && session.constraints.allSatisfy { constraint in
        guard constraint.hasPrefix("max-queue:"), let limit = Int(constraint.dropFirst(10)) else { return true }
        return queueLength(id) < limit
      }
  }

  private func queueLength(_ id: String) -> Int { queues[id]?.pending ?? 0 }
}

extension Google_Protobuf_Duration {
  var microseconds: Int64 { seconds * 1_000_000 + Int64(nanos / 1000) }
}
