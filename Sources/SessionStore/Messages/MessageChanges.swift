import SessionDomain

/// The changes of the message bus that sessions and their senders ask for, each to be applied by itself.
extension Writer {
  func register(_ id: SessionID, _ draft: RegistrationDraft) throws(SessionError) -> Session {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.register(messageTypes: draft.messageTypes, priority: MessagePriority(rawValue: draft.priority))
    try storing { () throws(StorageFailure) in _ = try replace(session, with: editor.session, events: editor.events) }
    return editor.session
  }

  /// Takes a session off the bus, and sends what is queued to the dead letters.
  func deregister(_ id: SessionID) throws(SessionError) -> Deregistration {
    let session = try existing(id)
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    editor.deregister()
    guard !editor.events.isEmpty else { return Deregistration(session: session, undeliveredCount: 0) }
    let count = try storing { () throws(StorageFailure) in
      _ = try replace(session, with: editor.session, events: editor.events)
      return try queues.discardAll(of: id, reason: DeadLetter.deregistered, by: self)
    }
    return Deregistration(session: editor.session, undeliveredCount: count)
  }

  /// Takes a session off the bus that has no messages, and drains any other.
  func deregisterDrained(_ id: SessionID) throws(SessionError) -> Waiting<Deregistration> {
    let session = try existing(id)
    let count = session.registration == nil ? 0 : try pendingMessages(of: id)
    guard count > 0 else { return .done(try deregister(id)) }
    _ = try drain(session)
    return .waiting(messages: count, change: waits.latch(for: [id]))
  }

  func send(_ new: NewMessage, request: RequestKey?) throws(SessionError) -> [Message] {
    if let request, let messages = try messagesOfEarlier(request, new) { return messages }
    let target = try found(new.target)
    if let senderID = new.senderID, try existingSeat(of: senderID).type == .observer {
      throw .observerReadOnly(senderID)
    }
    let receivers = try receivers(of: target)
    let time = nextTime()
    var messages: [Message] = []
    for (id, seat) in receivers {
      if let obstacle = obstacle(to: new, for: id, seat) {
        guard case .all = new.target else { throw obstacle }
        continue
      }
      let priority = new.priority ?? seat.registration?.priority ?? .normal
      let message = new.message(MessageID(nextID()), to: id, priority: priority, at: time)
      try enqueue(message, seat)
      messages.append(message)
    }
    if messages.isEmpty, case .all(let type) = new.target { throw .noReceiver(type) }
    if let senderID = new.senderID { noteActivity(of: senderID) }
    if let request { try storing { () throws(StorageFailure) in try note(request, sent: messages, at: time) } }
    return messages
  }

  func acknowledge(
    _ id: SessionID, _ texts: [String], error: String
  ) throws(SessionError) -> Acknowledgement {
    if bus.queue(of: id)?.seat == nil { _ = try type(of: id) }
    noteActivity(of: id)
    var acknowledgement = Acknowledgement(count: 0, unknownIDs: [])
    var responseTimes: [Duration] = []
    let now = monotonicClock.now
    for text in texts {
      guard let messageID = MessageID(text), let message = bus.inDelivery(messageID, to: id) else {
        acknowledgement.unknownIDs.append(text)
        continue
      }
      acknowledgement.count += 1
      responseTimes.append(message.timeInDelivery(at: now, ackTimeout: settings.ackTimeout))
      if error.isEmpty {
        try storing { () throws(StorageFailure) in try remove(messageID, message) }
      } else {
        try fail(messageID, message, reason: DeadLetter.failed(error, deliveries: message.attempt))
      }
    }
    guard acknowledgement.count > 0 else { return acknowledgement }
    try storing { () throws(StorageFailure) in
      try noteAcknowledgements(of: id, failed: !error.isEmpty, responseTimes: responseTimes)
    }
    staged.relieved.append(id)
    bus.unsettle(id)
    return acknowledgement
  }

  /// Begins to deliver a session's messages to a mailbox.
  func receive(_ id: SessionID, _ mailbox: MessageMailbox, inDeliveryMax: Int) throws(SessionError) {
    guard try existing(id).registration != nil else { throw .notRegistered(id) }
    bus.join(MessageReceiver(id, mailbox, inDeliveryMax: inDeliveryMax))
    noteActivity(of: id)
  }

  /// What sending and delivering have to know of a session; nil where there is no such session.
  func seat(of id: SessionID) throws(StorageFailure) -> MessageQueue.Seat? {
    if let seat = bus.queue(of: id)?.seat { return seat }
    guard let seat = try SeatLookup.find(id, in: database) else { return nil }
    if seat.registration != nil { bus.change(id) { $0.seat = seat } }
    return seat
  }

  private func existingSeat(of id: SessionID) throws(SessionError) -> MessageQueue.Seat {
    guard let seat = try storing({ () throws(StorageFailure) in try seat(of: id) }) else { throw .notFound(id) }
    return seat
  }

  private func type(of id: SessionID) throws(SessionError) -> SessionType {
    let type = try storing { () throws(StorageFailure) in try SeatLookup.type(of: id, in: database) }
    guard let type else { throw .notFound(id) }
    return type
  }

  /// A target of which all is there. Nothing is picked yet: who may not send takes no turn.
  private enum FoundTarget {
    case session(SessionID, MessageQueue.Seat)
    case affinity(Affinity, AffinityKey?)
    case all(SessionType)
  }

  private func found(_ target: NewMessage.Target) throws(SessionError) -> FoundTarget {
    switch target {
    case .session(let id): return .session(id, try existingSeat(of: id))
    case .affinity(let id, let key):
      let affinity = try affinity(of: id)
      try affinity.check(key)
      return .affinity(affinity, key)
    case .all(let type): return .all(type)
    }
  }

  private func receivers(of target: FoundTarget) throws(SessionError) -> [(SessionID, MessageQueue.Seat)] {
    switch target {
    case .session(let id, let seat): return [(id, seat)]
    case .affinity(let affinity, let key):
      let id = try takeTurn(of: affinity, key: key).targetID
      return [(id, try existingSeat(of: id))]
    case .all(let type):
      let ids = try storing { () throws(StorageFailure) in try SeatLookup.registered(type, in: database) }
      return try ids.map { (id) throws(SessionError) in (id, try existingSeat(of: id)) }
    }
  }

  /// Why a session cannot take a message; nil when it can.
  private func obstacle(to message: NewMessage, for id: SessionID, _ seat: MessageQueue.Seat) -> SessionError? {
    guard let registration = seat.registration else { return .notRegistered(id) }
    guard !registration.isDraining else { return .draining(id) }
    let types = registration.messageTypes
    guard types.isEmpty || types.contains(message.type) else { return .typeNotAccepted(id, type: message.type) }
    if let max = seat.queuedMessagesMax, bus.count(of: id) >= max { return .queueFull(id, max: max) }
    return nil
  }
}

/// Reads of sessions what the message bus needs.
enum SeatLookup {
  static func find(_ id: SessionID, in database: Database) throws(StorageFailure) -> MessageQueue.Seat? {
    let statement = try database.statement(
      """
      SELECT status, type, constraints, register_message_types, register_priority, register_time, register_draining \
      FROM sessions WHERE id = ?
      """)
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return nil }
    var row = statement.row
    let status = SessionStatus(rawValue: Int32(clamping: row.integer()))
    let type = SessionType(rawValue: Int32(clamping: row.integer()))
    guard let status, let type else { throw SessionRow.damaged }
    let queuedMessagesMax = Constraint.queuedMessagesMax(in: try JSONText.strings(&row) ?? [])
    return MessageQueue.Seat(
      status: status, type: type, registration: try SessionRow.registration(&row),
      queuedMessagesMax: queuedMessagesMax)
  }

  static func type(of id: SessionID, in database: Database) throws(StorageFailure) -> SessionType? {
    let statement = try database.statement("SELECT type FROM sessions WHERE id = ?")
    defer { statement.reset() }
    statement.bind(id)
    guard try statement.step() else { return nil }
    var row = statement.row
    guard let type = SessionType(rawValue: Int32(clamping: row.integer())) else { throw SessionRow.damaged }
    return type
  }

  /// The registered sessions of a type, by id.
  static func registered(_ type: SessionType, in database: Database) throws(StorageFailure) -> [SessionID] {
    let statement = try database.statement(registered)
    defer { statement.reset() }
    statement.bind(Int64(type.rawValue))
    var ids: [SessionID] = []
    while try statement.step() {
      var row = statement.row
      guard let id = SessionID(row.text()) else { throw SessionRow.damaged }
      ids.append(id)
    }
    return ids
  }

  static let registered = "SELECT id FROM sessions WHERE type = ? AND register_time IS NOT NULL ORDER BY id"
}
