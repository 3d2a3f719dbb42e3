import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

extension SessionAPI.Affinity {
  init(_ affinity: SessionDomain.Affinity) {
    self.init()
    sessionID = affinity.sessionID.description
    targets = affinity.targets.map { target in
      .with {
        $0.sessionID = target.sessionID.description
        $0.weight = target.weight
      }
    }
    strategy = .init(rawValue: affinity.strategy.rawValue)
    healthCheckInterval = .init(affinity.healthCheckInterval)
    updateTime = .init(affinity.updateTime)
  }
}

extension AffinityDraft {
  /// The input fields of an affinity on the wire. An interval that is no duration at all is refused as none.
  init(_ affinity: SessionAPI.Affinity) {
    self.init(
      sessionID: affinity.sessionID,
      targets: affinity.targets.map { Target(sessionID: $0.sessionID, weight: $0.weight) },
      strategy: affinity.strategy.rawValue,
      healthCheckInterval: affinity.healthCheckInterval.map { $0.duration ?? .zero })
  }
}
