/// A message from one session to another, or from outside to a session.
public struct Message: Hashable, Sendable {
  /// Its name.
  public var id: MessageID
  /// What it is, such as `COMMAND`; free-form, in upper case.
  public var type: String
  /// How urgent it is.
  public var priority: MessagePriority
  /// Who sent it; nil for somebody outside of the sessions.
  public var senderID: SessionID?
  /// Whom it is for.
  public var receiverID: SessionID
  /// What it says, as its sender's side encoded it. Nobody looks into it on the way; empty for nothing.
  public var payload: [UInt8]
  /// Ties a reply to its request; empty for none.
  public var correlationID: String
  /// When it was sent.
  public var sendTime: Timestamp
  /// When it goes to the dead letters, unless it is in delivery then.
  public var expireTime: Timestamp
  /// How often it was delivered, this time included.
  public var deliveryAttempt: Int

  /// Makes a message that was not delivered yet.
  public init(
    id: MessageID, type: String, priority: MessagePriority, senderID: SessionID?, receiverID: SessionID,
    payload: [UInt8], correlationID: String, sendTime: Timestamp, expireTime: Timestamp, deliveryAttempt: Int = 0
  ) {
    self.id = id
    self.type = type
    self.priority = priority
    self.senderID = senderID
    self.receiverID = receiverID
    self.payload = payload
    self.correlationID = correlationID
    self.sendTime = sendTime
    self.expireTime = expireTime
    self.deliveryAttempt = deliveryAttempt
  }
}

/// One delivery of a message.
public struct Delivery: Hashable, Sendable {
  /// The message, with the number of this delivery.
  public var message: Message
  /// By when it is to be acknowledged.
  public var ackDeadline: Timestamp

  /// Makes a delivery.
  public init(message: Message, ackDeadline: Timestamp) {
    self.message = message
    self.ackDeadline = ackDeadline
  }
}

/// A message that will not be delivered any more.
public struct DeadLetter: Hashable, Sendable {
  /// The message, with the number of its deliveries.
  public var message: Message
  /// Why.
  public var reason: String
  /// Since when.
  public var time: Timestamp

  /// Makes a dead letter.
  public init(message: Message, reason: String, time: Timestamp) {
    self.message = message
    self.reason = reason
    self.time = time
  }

  /// Why messages die that were not delivered by their time.
  public static let expired = "expired"
  /// Why messages die whose session left the bus.
  public static let deregistered = "deregistered"
  /// Why messages die whose session ended without a reason of its own.
  public static let receiverEnded = "the receiver ended"

  /// Characters of an error that a reason tells.
  private static let errorCharactersMax = 1024

  /// Why messages die that failed `deliveries` times, the last time with `error`.
  public static func failed(_ error: String, deliveries: Int) -> String {
    "failed after \(deliveries) deliveries: \(String(error.prefix(errorCharactersMax)))"
  }

  /// Why messages die that nobody acknowledged in time, for the last time after `deliveries`.
  public static func unacknowledged(within timeout: Duration, deliveries: Int) -> String {
    "not acknowledged within \(Int(timeout / .milliseconds(1))) ms, after \(deliveries) deliveries"
  }
}

extension MessagePriority {
  /// How long a message waits to become as urgent as one of the next priority.
  public static let ageingInterval: Duration = .seconds(60)

  /// How urgent a message of this priority is that has waited since `sendTime`: it gains one priority for every whole
  /// interval, also beyond the highest.
  public func urgency(since sendTime: Timestamp, at now: Timestamp) -> Int64 {
    let (waited, overflow) = now.microseconds.subtractingReportingOverflow(sendTime.microseconds)
    let interval = Int64(Self.ageingInterval / .microseconds(1))
    return Int64(rawValue) + (overflow ? 0 : max(0, waited) / interval)
  }
}
