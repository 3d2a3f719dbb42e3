/// The input of a send, as it came.
public struct MessageDraft: Hashable, Sendable {
  /// What it is; 1 to 128 characters in upper case.
  public var type: String
  /// The priority as the contract's number; 0 means that of the receiver's registration, or else `normal`.
  public var priority: Int32 = 0
  /// The id of who sends it; empty for somebody outside of the sessions.
  public var senderID = ""
  /// The id of whom it is for. Exactly one of this and the two other targets is given.
  public var receiverID = ""
  /// The id of the session whose affinity picks the receiver; empty for none.
  public var affinityOf = ""
  /// What consistent hashing goes by; empty for none.
  public var affinityKey = ""
  /// The type whose registered sessions all get it, as the contract's number; 0 for none.
  public var broadcastTo: Int32 = 0
  /// What it says, encoded.
  public var payload: [UInt8] = []
  /// Ties a reply to its request; empty for none.
  public var correlationID = ""
  /// When it goes to the dead letters undelivered; nil means 24 hours after it was sent.
  public var expireTime: Timestamp?
  /// What is wrong with what can be read before it is encoded: the payload and the times.
  public var violations: [FieldViolation] = []

  /// How long a message is kept that names no time.
  public static let lifetimeDefault: Duration = .seconds(24 * 60 * 60)

  /// Makes a draft of which everything else is to be set.
  public init(type: String) {
    self.type = type
  }

  /// The draft made whole, and everything that is wrong with it at `now`, in the order of the fields.
  ///
  /// There is no value when an id is none, so that no session can have it. Whether the sessions exist is the
  /// repository's to say.
  public func check(at now: Timestamp) -> Checked<NewMessage> {
    var checker = FieldChecker(prefix: "message.")
    checker.check(messageType: type, path: "message.type")
    let priority = checker.check(priority: priority, path: "message.priority")
    if let expireTime, expireTime <= now {
      checker.refuse("message.expire_time", "a time to expire is not in the past")
    }
    let targets = [!receiverID.isEmpty, !affinityOf.isEmpty, broadcastTo != 0].filter { $0 }.count
    if targets != 1 {
      checker.refuse(
        "message.to_session_id", "exactly one of message.to_session_id, affinity_of and broadcast_to is given")
    }
    let broadcastType = SessionType(rawValue: broadcastTo)
    if broadcastTo != 0, broadcastType == nil {
      checker.refuse("broadcast_to", "a type is one of DIRECTOR, DEPARTMENT, OBSERVER and ACTIVE")
    }
    return Checked(
      value: value(priority, broadcastType), parentID: nil, violations: checker.violations + violations)
  }

  /// The first of the ids that is none; nil when all are.
  public var strangeID: String? {
    [senderID, receiverID, affinityOf].first { !$0.isEmpty && SessionID($0) == nil }
  }

  private func value(_ priority: MessagePriority?, _ broadcastType: SessionType?) -> NewMessage? {
    guard strangeID == nil else { return nil }
    let target: NewMessage.Target
    if let id = SessionID(receiverID) {
      target = .session(id)
    } else if let id = SessionID(affinityOf) {
      target = .affinity(of: id, key: AffinityKey(affinityKey))
    } else if let broadcastType {
      target = .all(broadcastType)
    } else {
      return nil
    }
    return NewMessage(
      type: type, priority: priority, senderID: SessionID(senderID), target: target, payload: payload,
      correlationID: correlationID, expireTime: expireTime)
  }
}

/// A message to send, all within its limits. Made by `MessageDraft.check(at:)`.
public struct NewMessage: Hashable, Sendable {
  /// Whom a message is for.
  public enum Target: Hashable, Sendable {
    case session(SessionID)
    case affinity(of: SessionID, key: AffinityKey?)
    /// Every registered session of this type.
    case all(SessionType)
  }

  /// What it is.
  public let type: String
  /// How urgent it is; nil for what the receiver's registration says.
  public let priority: MessagePriority?
  /// Who sends it, who may not exist.
  public let senderID: SessionID?
  /// Whom it is for, who may not exist.
  public let target: Target
  /// What it says, encoded.
  public let payload: [UInt8]
  /// Ties a reply to its request.
  public let correlationID: String
  /// When it expires; nil for the default.
  public let expireTime: Timestamp?

  /// The message that this becomes for one receiver at `time`.
  public func message(
    _ id: MessageID, to receiverID: SessionID, priority: MessagePriority, at time: Timestamp
  ) -> Message {
    Message(
      id: id, type: type, priority: priority, senderID: senderID, receiverID: receiverID, payload: payload,
      correlationID: correlationID, sendTime: time,
      expireTime: expireTime ?? time.advanced(by: MessageDraft.lifetimeDefault))
  }
}

/// A place on the message bus to take, as it came.
public struct RegistrationDraft: Hashable, Sendable {
  /// The message types to accept; empty accepts all.
  public var messageTypes: [String]
  /// The priority of messages that name none, as the contract's number; 0 for none.
  public var priority: Int32

  /// Makes a draft.
  public init(messageTypes: [String] = [], priority: Int32 = 0) {
    self.messageTypes = messageTypes
    self.priority = priority
  }

  /// Everything that is wrong with it.
  public func violations() -> [FieldViolation] {
    var checker = FieldChecker(prefix: "")
    checker.check(messageTypes: messageTypes, path: "message_types")
    _ = checker.check(priority: priority)
    return checker.violations
  }
}

extension FieldChecker {
  mutating func check(messageType type: String, path: String) {
    let count = type.unicodeScalars.count
    if count == 0 || count > FieldLimits.listEntryCharactersMax {
      refuse(path, "a message type has 1 to \(FieldLimits.listEntryCharactersMax) characters")
    }
    check(spellingOf: type, path: path)
  }
}
