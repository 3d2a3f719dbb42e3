/// What there is to know of a target when work is to be given out, apart from its health.
public struct TargetState: Hashable, Sendable {
  /// The target.
  public var target: AffinityTarget
  /// Its place in the order given. Places of targets that were deleted stay empty.
  public var place: Int
  /// Its status.
  public var status: SessionStatus
  /// Whether it is on the message bus.
  public var isRegistered: Bool
  /// Whether it accepts nothing new any more.
  public var isDraining: Bool
  /// How many messages wait for it.
  public var queuedMessages: Int64
  /// Its `max-queue`, if it has one.
  public var queuedMessagesMax: Int64?

  /// Makes a state.
  public init(
    target: AffinityTarget, place: Int, status: SessionStatus, isRegistered: Bool, isDraining: Bool,
    queuedMessages: Int64, queuedMessagesMax: Int64?
  ) {
    self.target = target
    self.place = place
    self.status = status
    self.isRegistered = isRegistered
    self.isDraining = isDraining
    self.queuedMessages = queuedMessages
    self.queuedMessagesMax = queuedMessagesMax
  }

  /// The queue's length, for people.
  var queueText: String {
    queuedMessages == 1 ? "1 message" : "\(queuedMessages) messages"
  }

  /// Why it can take no work, as the end of a sentence about it; nil when it can.
  ///
  /// It can while it is active or idle, registered, not draining, its queue below `max-queue`, and not unhealthy.
  func obstacle(illness: String?) -> String? {
    switch status {
    case .active, .idle: break
    case .initializing, .completed, .error, .terminated: return "is in \(status.description.uppercased())"
    }
    guard isRegistered else { return "is not registered" }
    guard !isDraining else { return "is draining" }
    if let queuedMessagesMax, queuedMessages >= queuedMessagesMax {
      return "has \(queueText) queued, and its max-queue is \(queuedMessagesMax)"
    }
    return illness.map { "was unhealthy when last looked at: \($0)" }
  }
}
