import SessionDomain

/// What becomes of messages between being sent and being settled.
extension Writer {
  /// The most messages that one commit delivers beside those that are sent in it, so that no caller waits long for it.
  static let deliveriesMax = 1024
  /// The most messages that one commit moves because their time is over.
  static let overdueMax = 256

  /// Keeps a message; it goes straight into delivery where nothing stands in the way.
  func enqueue(_ message: Message, _ seat: MessageQueue.Seat) throws(SessionError) {
    var message = message
    let id = message.receiverID
    let number = bus.nextNumber()
    bus.noteExpiry(message.expireTime)
    let receiver = mayDeliver(to: id, seat) && bus.queue(of: id)?.isIdle ?? true ? bus.receiverWithRoom(of: id) : nil
    if receiver != nil { message.deliveryAttempt = 1 }
    try storing { () throws(StorageFailure) in
      MessageRow.bind(message, number: number, to: messageStatements.insert)
      try messageStatements.insert.run()
    }
    guard let receiver else {
      bus.change(id) { queue in
        queue.count += 1
        queue.lanes[message.priority.lane].append(.init(number: number, sendTime: message.sendTime))
      }
      bus.unsettle(id)
      return
    }
    begin(message, number: number, failures: 0, receiver) { queue in
      queue.count += 1
      queue.lanes[message.priority.lane].pass(number)
    }
    try noteDelivery(to: id, seat)
  }

  /// Delivers messages that wait to receivers that have room.
  func deliver() throws(SessionError) {
    var left = Self.deliveriesMax
    for id in bus.unsettled {
      guard left > 0 else { return }
      if try deliver(to: id, &left) { bus.settle(id) }
    }
  }

  /// Delivers a session's messages; whether nothing is left to be done.
  private func deliver(to id: SessionID, _ left: inout Int) throws(SessionError) -> Bool {
    guard let seat = try storing({ () throws(StorageFailure) in try seat(of: id) }), mayDeliver(to: id, seat) else {
      return true
    }
    var wasDelivered = false
    while left > 0, !(bus.queue(of: id)?.isIdle ?? true), let receiver = bus.receiverWithRoom(of: id) {
      left -= 1
      if try storing({ () throws(StorageFailure) in try deliverNext(of: id, to: receiver) }) { wasDelivered = true }
    }
    if wasDelivered { try noteDelivery(to: id, seat) }
    return left > 0
  }

  /// Delivers the most urgent message; false when it had expired.
  private func deliverNext(of id: SessionID, to receiver: MessageReceiver) throws(StorageFailure) -> Bool {
    try findHeads(of: id)
    guard let next = bus.queue(of: id)?.mostUrgent(at: clockTime) else { throw MessageRow.damaged }
    let statement = messageStatements.find
    defer { statement.reset() }
    statement.bind(next.waiting.number)
    guard try statement.step() else { throw MessageRow.damaged }
    var row = statement.row
    let failures = Int(row.integer())
    var message = try MessageRow.read(&row)
    guard message.expireTime > clockTime else {
      try bury(number: next.waiting.number, reason: DeadLetter.expired)
      bus.change(id) { queue in
        queue.count -= 1
        queue.lanes[next.priority.lane].take(next.waiting)
      }
      staged.relieved.append(id)
      return false
    }
    message.deliveryAttempt += 1
    messageStatements.noteAttempt.bind(Int64(message.deliveryAttempt))
    messageStatements.noteAttempt.bind(next.waiting.number)
    try messageStatements.noteAttempt.run()
    begin(message, number: next.waiting.number, failures: failures, receiver) {
      $0.lanes[next.priority.lane].take(next.waiting)
    }
    return true
  }

  private func findHeads(of id: SessionID) throws(StorageFailure) {
    for priority in MessagePriority.allCases {
      guard let lane = bus.queue(of: id)?.lanes[priority.lane], lane.isHeadUnknown else { continue }
      let statement = messageStatements.findNext
      defer { statement.reset() }
      statement.bind(id)
      statement.bind(Int64(priority.rawValue))
      statement.bind(lane.cursor)
      guard try statement.step() else { throw MessageRow.damaged }
      var row = statement.row
      let head = MessageQueue.Waiting(
        number: row.integer(), sendTime: Timestamp(microseconds: row.integer()))
      bus.change(id) { $0.lanes[priority.lane].noteHead(head) }
    }
  }

  private func mayDeliver(to id: SessionID, _ seat: MessageQueue.Seat) -> Bool {
    switch seat.status {
    case .active, .idle:
      seat.registration != nil && !bus.notes.isPaused(id) && bus.delayedCount(of: id) < settings.delayedMessagesMax
    case .initializing, .completed, .error, .terminated: false
    }
  }

  private func begin(
    _ message: Message, number: Int64, failures: Int, _ receiver: MessageReceiver,
    _ body: (inout MessageQueue) -> Void
  ) {
    let deadline = monotonicClock.now + settings.ackTimeout
    bus.begin(
      message.id,
      HeldMessage(
        number: number, sessionID: message.receiverID, priority: message.priority, sendTime: message.sendTime,
        expireTime: message.expireTime, attempt: message.deliveryAttempt, failures: failures,
        place: .delivery(receiver, until: deadline)), payloadBytes: message.payload.count, body)
    let delivery = Delivery(message: message, ackDeadline: clockTime.advanced(by: settings.ackTimeout))
    staged.deliveries.append((receiver.mailbox, delivery))
  }

  private func noteDelivery(to id: SessionID, _ seat: MessageQueue.Seat) throws(SessionError) {
    noteActivity(of: id)
    guard seat.status == .idle else { return }
    let session = try existing(id)
    // Several messages of one batch wake a session once.
    guard session.status == .idle else { return }
    var editor = SessionEditor(session, at: nextTime(), after: state.totals.sequence)
    try editor.delivered()
    try storing { () throws(StorageFailure) in _ = try replace(session, with: editor.session, events: editor.events) }
  }
}

// MARK: Settling

extension Writer {
  /// Forgets a message in delivery that was acknowledged.
  func remove(_ id: MessageID, _ message: HeldMessage) throws(StorageFailure) {
    messageStatements.remove.bind(message.number)
    try messageStatements.remove.run()
    if case .delivery(let receiver, _) = message.place { receiver.mailbox.settle(id) }
    bus.settle(id, message)
  }

  /// Has a message in delivery tried again after a while, or no more.
  func fail(_ id: MessageID, _ message: HeldMessage, reason: String) throws(SessionError) {
    let failures = message.failures + 1
    try storing { () throws(StorageFailure) in
      guard failures <= settings.maxRetries else {
        try bury(number: message.number, reason: reason)
        bus.settle(id, message)
        return
      }
      messageStatements.noteFailure.bind(Int64(failures))
      messageStatements.noteFailure.bind(message.number)
      try messageStatements.noteFailure.run()
      bus.delay(id, message, failures: failures, until: monotonicClock.now + settings.retryDelay)
    }
  }

  /// Fails a delivery that nobody has acknowledged in time.
  func timeOut(_ id: MessageID, at now: ContinuousClock.Instant) throws(SessionError) {
    guard let message = bus.held(id), case .delivery(let receiver, let deadline) = message.place, deadline <= now else {
      return
    }
    receiver.mailbox.withdraw(id)
    try fail(
      id, message, reason: DeadLetter.unacknowledged(within: settings.ackTimeout, deliveries: message.attempt))
    staged.relieved.append(message.sessionID)
    bus.unsettle(message.sessionID)
  }

  /// Whether a message that waits has expired, or may have.
  var hasExpiredMessages: Bool { bus.nextExpiry.map { $0 <= clockTime } ?? false }

  /// Moves messages that have expired to the dead letters, some of them. Those in delivery may yet be acknowledged.
  func expireMessages() throws(StorageFailure) {
    let now = clockTime
    var after = (time: Timestamp(microseconds: .min), number: Int64.min)
    var left = Self.overdueMax
    while true {
      let found = try expiredMessages(at: now, after: after)
      for message in found {
        guard left > 0 else { return }
        after = (message.expireTime, message.number)
        if try expire(message) { left -= 1 }
      }
      guard !found.isEmpty else { break }
    }
    let statement = try database.statement(MessageStatements.nextExpiry)
    defer { statement.reset() }
    statement.bind(now)
    guard try statement.step() else { return bus.setNextExpiry(nil) }
    var row = statement.row
    bus.setNextExpiry(Timestamp(microseconds: row.integer()))
  }

  /// Sends every message of a session to the dead letters; how many they were.
  func discardMessages(of id: SessionID, reason: String) throws(StorageFailure) -> Int {
    let count = bus.count(of: id)
    guard count > 0 else {
      bus.clear(id)
      return 0
    }
    let copy = try database.statement("\(MessageStatements.copyToDeadLetters) WHERE receiver_id = ?3 ORDER BY number")
    copy.bind(reason.isEmpty ? DeadLetter.receiverEnded : reason)
    copy.bind(nextTime())
    copy.bind(id)
    try copy.run()
    let removal = try database.statement("DELETE FROM messages WHERE receiver_id = ?")
    removal.bind(id)
    try removal.run()
    state.deadLetters += Int64(count)
    bus.clear(id)
    staged.relieved.append(id)
    return count
  }

  private func bury(number: Int64, reason: String) throws(StorageFailure) {
    messageStatements.bury.bind(reason)
    messageStatements.bury.bind(nextTime())
    messageStatements.bury.bind(number)
    try messageStatements.bury.run()
    messageStatements.remove.bind(number)
    try messageStatements.remove.run()
    state.deadLetters += 1
  }

  private struct ExpiredMessage {
    let expireTime: Timestamp
    let number: Int64
    let receiverID: SessionID
    let priority: MessagePriority
    let id: MessageID
  }

  private func expiredMessages(
    at now: Timestamp, after: (time: Timestamp, number: Int64)
  ) throws(StorageFailure) -> [ExpiredMessage] {
    let statement = try database.statement(MessageStatements.expired)
    defer { statement.reset() }
    statement.bind(now)
    statement.bind(after.time)
    statement.bind(after.number)
    var messages: [ExpiredMessage] = []
    while try statement.step() {
      var row = statement.row
      let expireTime = Timestamp(microseconds: row.integer())
      let number = row.integer()
      let receiverID = SessionID(row.text())
      let priority = MessagePriority(rawValue: Int32(clamping: row.integer()))
      guard let receiverID, let priority, let id = MessageID(row.text()) else { throw MessageRow.damaged }
      messages.append(
        ExpiredMessage(expireTime: expireTime, number: number, receiverID: receiverID, priority: priority, id: id))
    }
    return messages
  }

  /// Whether the message has gone: those in delivery stay.
  private func expire(_ message: ExpiredMessage) throws(StorageFailure) -> Bool {
    let held = bus.held(message.id)
    if case .delivery? = held?.place { return false }
    try bury(number: message.number, reason: DeadLetter.expired)
    if let held {
      bus.settle(message.id, held)
      // It may have been one of too many that wait to be tried again.
      bus.unsettle(message.receiverID)
    } else {
      bus.change(message.receiverID) { queue in
        queue.count -= 1
        queue.lanes[message.priority.lane].drop(message.number)
      }
    }
    staged.relieved.append(message.receiverID)
    return true
  }
}

// MARK: The clock

extension Writer {
  /// How long until there is something to do for messages; zero when there is, nil for never.
  var timeToMessages: Duration? {
    guard bus.unsettled.isEmpty, !bus.notes.hasNews else { return .zero }
    let expiry = bus.nextExpiry.map { time in
      let (left, overflow) = time.microseconds.subtractingReportingOverflow(clockTime.microseconds)
      return overflow ? settings.housekeepingInterval : Duration.microseconds(max(0, left))
    }
    guard let deadline = bus.nextDeadline() else { return expiry }
    let left = max(.zero, monotonicClock.now.duration(to: deadline))
    return expiry.map { min($0, left) } ?? left
  }

  /// Takes what receivers and clocks have to say.
  func takeNotes() {
    waits.wake(bus.takeNotes(at: monotonicClock.now))
  }
}
