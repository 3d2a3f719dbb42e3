import SessionAPI
import SessionDomain

extension SessionAPI.SessionEvent {
  init(_ event: SessionDomain.SessionEvent) {
    self.init()
    sequence = event.sequence
    time = .init(event.time)
    kind = .init(rawValue: event.kind.rawValue)
    sessionID = event.sessionID.description
    sessionType = .init(rawValue: event.sessionType.rawValue)
    sessionName = event.sessionName
    oldStatus = .init(rawValue: event.oldStatus?.rawValue ?? 0)
    newStatus = .init(rawValue: event.newStatus.rawValue)
    reason = event.reason
    error = event.error
    changedFields = event.changedFields
    oldHealth = event.oldHealth
    newHealth = event.newHealth
  }
}
