import RPCCore
import SessionDomain

/// The sessions an observer watches: those whose id or name matches one of its `metadata.monitoringTargets`.
struct ObserverScope: Sendable {
  let observer: SessionID
  private let repository: any SessionRepository
  private var targets = MonitoringTargets([])

  /// Reads the observer's targets.
  /// - Throws: NOT_FOUND where it does not exist, INVALID_ARGUMENT where it is not an observer.
  init(observer text: String, repository: any SessionRepository) async throws {
    observer = try sessionID(text, at: "observer_id")
    self.repository = repository
    try await reload()
  }

  /// Reads the targets as they are now.
  mutating func reload() async throws {
    let id = observer
    let repository = repository
    let session = try await answering { try await repository.session(id) }
    guard session.type == .observer else {
      throw RPCError([
        FieldViolation(path: "observer_id", description: "the session must be of type OBSERVER")
      ])
    }
    let texts = session.metadata["monitoringTargets"]?.strings ?? []
    guard let targets = MonitoringTargets(checking: texts) else {
      throw RPCError([
        FieldViolation(
          path: "observer_id",
          description: "an observer has at most \(MonitoringTargets.patternsMax) monitoringTargets with *")
      ])
    }
    self.targets = targets
  }

  func covers(_ id: SessionID, name: String) -> Bool { targets.match(id.description) || targets.match(name) }
}
