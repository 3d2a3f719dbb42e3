import DequeModule
import SessionDomain

/// A stream that receives a session's messages.
final class MessageReceiver {
  let sessionID: SessionID
  let mailbox: MessageMailbox
  let inDeliveryMax: Int
  /// What it holds, as far as was applied.
  fileprivate(set) var heldIDs: Set<MessageID> = []
  /// What is on its way into the mailbox with the batch that is being applied.
  fileprivate(set) var stagedCount = 0
  fileprivate(set) var stagedBytes = 0

  init(_ sessionID: SessionID, _ mailbox: MessageMailbox, inDeliveryMax: Int) {
    self.sessionID = sessionID
    self.mailbox = mailbox
    self.inDeliveryMax = inDeliveryMax
  }

  var hasRoom: Bool {
    heldIDs.count < inDeliveryMax && mailbox.hasRoom(besides: stagedCount, bytes: stagedBytes)
  }
}

/// A message that was delivered and neither settled nor given back.
struct HeldMessage {
  enum Place {
    case delivery(MessageReceiver, until: ContinuousClock.Instant)
    /// It failed, and is tried again then.
    case delay(until: ContinuousClock.Instant)
  }

  let number: Int64
  let sessionID: SessionID
  let priority: MessagePriority
  let sendTime: Timestamp
  let expireTime: Timestamp
  let attempt: Int
  /// How many deliveries failed; what was given back did not.
  var failures: Int
  var place: Place

  var waiting: MessageQueue.Waiting { MessageQueue.Waiting(number: number, sendTime: sendTime) }

  /// How long it has been in delivery; zero when it is not.
  func timeInDelivery(at now: ContinuousClock.Instant, ackTimeout: Duration) -> Duration {
    guard case .delivery(_, let deadline) = place else { return .zero }
    return max(.zero, (deadline - ackTimeout).duration(to: now))
  }
}

/// What memory knows of the message bus. Lives on the committer's thread.
///
/// All that changes with a transaction is journaled, so that it is undone when the change or the batch is. Deliveries
/// are known here alone: after a restart every message waits. Deadlines are all equally far away when they are made, so
/// that they are queues; entries that came to nothing are passed over.
final class MessageBus {
  private enum Undo {
    case queue(SessionID, MessageQueue?)
    case held(MessageID, HeldMessage?)
    case joined(MessageReceiver)
    case settled(SessionID)
    case expiry(Timestamp?)
  }

  private struct Deadline {
    let time: ContinuousClock.Instant
    let id: MessageID
  }

  /// Messages of all sessions, and those of them that are in delivery.
  struct Totals: Hashable {
    var messages = 0
    var inDelivery = 0

    mutating func replace(_ old: MessageQueue?, with new: MessageQueue?) {
      messages += (new?.count ?? 0) - (old?.count ?? 0)
      inDelivery += (new?.inDeliveryCount ?? 0) - (old?.inDeliveryCount ?? 0)
    }
  }

  let notes: BusNotes
  private var queues: [SessionID: MessageQueue] = [:]
  private var held: [MessageID: HeldMessage] = [:]
  private var delayed: [SessionID: Set<MessageID>] = [:]
  private var receivers: [SessionID: [MessageReceiver]] = [:]
  private var owners: [ObjectIdentifier: MessageReceiver] = [:]
  private var deadlines = Deque<Deadline>()
  private var delays = Deque<Deadline>()
  private var journal: [Undo] = []
  private var staged: [MessageReceiver] = []
  private var turn: UInt = 0
  /// Sessions that may have messages to be delivered, and room for them.
  private(set) var unsettled: Set<SessionID> = []
  /// When the next message that waits expires, or earlier.
  private(set) var nextExpiry: Timestamp?
  /// What is in all queues together.
  private(set) var totals = Totals()
  private var lastNumber: Int64

  init(_ database: Database, notes: BusNotes) throws(StorageFailure) {
    self.notes = notes
    lastNumber = try database.integer("SELECT coalesce(max(number), 0) FROM messages") ?? 0
    nextExpiry = try database.integer("SELECT expire_time FROM messages ORDER BY expire_time LIMIT 1").map(
      Timestamp.init)
    let statement = try database.statement(MessageStatements.counts)
    defer { statement.reset() }
    while try statement.step() {
      var row = statement.row
      let id = SessionID(row.text())
      let priority = MessagePriority(rawValue: Int32(clamping: row.integer()))
      guard let id, let priority else { throw MessageRow.damaged }
      let count = Int(row.integer())
      queues[id, default: MessageQueue()].lanes[priority.lane].load(count)
      queues[id]?.count += count
      totals.messages += count
    }
  }

  /// The number of the next message that is sent. Numbers may have gaps.
  func nextNumber() -> Int64 {
    lastNumber += 1
    return lastNumber
  }
}

// MARK: Queues

extension MessageBus {
  func queue(of id: SessionID) -> MessageQueue? { queues[id] }

  func count(of id: SessionID) -> Int { queues[id]?.count ?? 0 }

  /// The sessions that have queues.
  var queueOwners: some Sequence<SessionID> { queues.keys }

  func change(_ id: SessionID, _ body: (inout MessageQueue) -> Void) {
    let old = queues[id]
    var queue = old ?? MessageQueue()
    body(&queue)
    journal.append(.queue(id, old))
    setQueue(of: id, queue)
  }

  private func setQueue(of id: SessionID, _ queue: MessageQueue?) {
    totals.replace(queues[id], with: queue)
    queues[id] = queue
  }

  /// Has what was noted of a session read again.
  func forgetSeat(of id: SessionID) {
    guard queues[id]?.seat != nil else { return }
    change(id) { $0.seat = nil }
  }

  /// Drops everything about a session's messages, which are gone.
  func clear(_ id: SessionID) {
    guard let old = queues[id] else { return }
    for receiver in receivers[id] ?? [] {
      for id in receiver.heldIDs { setHeld(id, nil) }
    }
    for id in delayed[id] ?? [] { setHeld(id, nil) }
    journal.append(.queue(id, old))
    setQueue(of: id, nil)
  }

  func noteExpiry(_ time: Timestamp) {
    if nextExpiry.map({ time < $0 }) ?? true { nextExpiry = time }
  }

  func setNextExpiry(_ time: Timestamp?) {
    journal.append(.expiry(nextExpiry))
    nextExpiry = time
  }
}

// MARK: Deliveries

extension MessageBus {
  /// The message in delivery to a session, if there is one of this id.
  func inDelivery(_ id: MessageID, to sessionID: SessionID) -> HeldMessage? {
    guard let message = held[id], message.sessionID == sessionID, case .delivery = message.place else { return nil }
    return message
  }

  func held(_ id: MessageID) -> HeldMessage? { held[id] }

  /// A receiver of a session that has room: the one that holds the least, and of several each in its turn.
  func receiverWithRoom(of id: SessionID) -> MessageReceiver? {
    guard let receivers = receivers[id] else { return nil }
    turn &+= 1
    var best: MessageReceiver?
    for offset in receivers.indices {
      let receiver = receivers[Int((turn &+ UInt(offset)) % UInt(receivers.count))]
      if let best, best.heldIDs.count <= receiver.heldIDs.count { continue }
      if receiver.hasRoom { best = receiver }
    }
    return best
  }

  /// How many messages of a session wait to be tried again.
  func delayedCount(of id: SessionID) -> Int { delayed[id]?.count ?? 0 }

  /// Puts a message in delivery; `body` takes it out of those that wait.
  func begin(
    _ id: MessageID, _ message: HeldMessage, payloadBytes: Int, _ body: (inout MessageQueue) -> Void
  ) {
    guard case .delivery(let receiver, let deadline) = message.place else { return }
    setHeld(id, message)
    deadlines.append(Deadline(time: deadline, id: id))
    if receiver.stagedCount == 0 { staged.append(receiver) }
    receiver.stagedCount += 1
    receiver.stagedBytes += payloadBytes
    change(message.sessionID) { queue in
      queue.inDeliveryCount += 1
      body(&queue)
    }
  }

  /// Forgets a message that was in delivery, and is gone.
  func settle(_ id: MessageID, _ message: HeldMessage) {
    setHeld(id, nil)
    change(message.sessionID) { queue in
      queue.count -= 1
      if case .delivery = message.place { queue.inDeliveryCount -= 1 }
    }
  }

  /// Puts off a message that was in delivery.
  func delay(_ id: MessageID, _ message: HeldMessage, failures: Int, until time: ContinuousClock.Instant) {
    var message = message
    message.failures = failures
    message.place = .delay(until: time)
    setHeld(id, message)
    delays.append(Deadline(time: time, id: id))
    change(message.sessionID) { $0.inDeliveryCount -= 1 }
    noteExpiry(message.expireTime)
  }

  private func setHeld(_ id: MessageID, _ message: HeldMessage?) {
    journal.append(.held(id, replaceHeld(id, message)))
  }

  private func replaceHeld(_ id: MessageID, _ message: HeldMessage?) -> HeldMessage? {
    let old = held[id]
    switch old?.place {
    case .delivery(let receiver, _): receiver.heldIDs.remove(id)
    case .delay:
      if let sessionID = old?.sessionID {
        delayed[sessionID]?.remove(id)
        if delayed[sessionID]?.isEmpty ?? false { delayed[sessionID] = nil }
      }
    case nil: break
    }
    switch message?.place {
    case .delivery(let receiver, _): receiver.heldIDs.insert(id)
    case .delay: if let sessionID = message?.sessionID { delayed[sessionID, default: []].insert(id) }
    case nil: break
    }
    held[id] = message
    return old
  }
}

// MARK: Receivers

extension MessageBus {
  func join(_ receiver: MessageReceiver) {
    receivers[receiver.sessionID, default: []].append(receiver)
    owners[ObjectIdentifier(receiver.mailbox)] = receiver
    journal.append(.joined(receiver))
    unsettle(receiver.sessionID)
  }

  /// Has a session looked at before the batch is committed.
  func unsettle(_ id: SessionID) {
    guard receivers[id] != nil else { return }
    unsettled.insert(id)
  }

  func settle(_ id: SessionID) {
    guard unsettled.remove(id) != nil else { return }
    journal.append(.settled(id))
  }

  /// Ends all receivers of a session that ended or left the bus.
  func endReceivers(of id: SessionID) {
    for receiver in receivers[id] ?? [] { receiver.mailbox.leave() }
  }

  private func remove(_ receiver: MessageReceiver) {
    let id = receiver.sessionID
    owners[ObjectIdentifier(receiver.mailbox)] = nil
    receivers[id]?.removeAll { $0 === receiver }
    if receivers[id]?.isEmpty ?? false {
      receivers[id] = nil
      unsettled.remove(id)
    }
  }
}

// MARK: Transactions

extension MessageBus {
  /// What to undo to.
  var mark: Int { journal.count }

  func undo(to mark: Int = 0) {
    while journal.count > mark, let undo = journal.popLast() {
      switch undo {
      case .queue(let id, let queue): setQueue(of: id, queue)
      case .held(let id, let message): _ = replaceHeld(id, message)
      case .joined(let receiver): remove(receiver)
      case .settled(let id): unsettle(id)
      case .expiry(let time): nextExpiry = time
      }
    }
    forgetStaged()
  }

  /// Keeps what was done since the last commit; the sessions that have more messages or fewer than before.
  func committed() -> [SessionID] {
    let ids = journal.compactMap { undo -> SessionID? in
      guard case .queue(let id, let old) = undo, (old?.count ?? 0) != count(of: id) else { return nil }
      return id
    }
    journal.removeAll(keepingCapacity: true)
    forgetStaged()
    return ids
  }

  private func forgetStaged() {
    for receiver in staged { (receiver.stagedCount, receiver.stagedBytes) = (0, 0) }
    staged.removeAll(keepingCapacity: true)
  }
}

// MARK: Between transactions

extension MessageBus {
  /// Takes what receivers and clocks have to say, outside of any transaction; the sessions to which fewer messages are
  /// in delivery than before.
  func takeNotes(at now: ContinuousClock.Instant) -> [SessionID] {
    var relieved: [SessionID] = []
    let news = notes.take()
    for mailbox in news.closed {
      guard let receiver = owners[ObjectIdentifier(mailbox)] else { continue }
      for id in receiver.heldIDs { giveBack(id) }
      remove(receiver)
      unsettle(receiver.sessionID)
      relieved.append(receiver.sessionID)
    }
    for id in news.sessions { unsettle(id) }
    while let first = delays.first, first.time <= now {
      delays.removeFirst()
      if case .delay(first.time)? = held[first.id]?.place { giveBack(first.id) }
    }
    return relieved
  }

  private func giveBack(_ id: MessageID) {
    guard let message = replaceHeld(id, nil) else { return }
    queues[message.sessionID]?.lanes[message.priority.lane].giveBack(message.waiting)
    if case .delivery = message.place, queues[message.sessionID] != nil {
      queues[message.sessionID]?.inDeliveryCount -= 1
      totals.inDelivery -= 1
    }
    noteExpiry(message.expireTime)
    unsettle(message.sessionID)
  }

  /// Messages that nobody has acknowledged in time, some of them, in the order of their deadlines.
  func overdue(at now: ContinuousClock.Instant, max: Int) -> [MessageID] {
    _ = nextDeadline()
    var ids: [MessageID] = []
    for deadline in deadlines {
      guard deadline.time <= now, ids.count < max else { break }
      if isInForce(deadline) { ids.append(deadline.id) }
    }
    return ids
  }

  /// When there is something to do for the clock alone; nil for never.
  func nextDeadline() -> ContinuousClock.Instant? {
    while let first = deadlines.first, !isInForce(first) { deadlines.removeFirst() }
    if deadlines.count > 2 * held.count + 64 { deadlines.removeAll { !isInForce($0) } }
    while let first = delays.first, !isInForce(first) { delays.removeFirst() }
    if delays.count > 2 * held.count + 64 { delays.removeAll { !isInForce($0) } }
    guard let deadline = deadlines.first?.time else { return delays.first?.time }
    return delays.first.map { min($0.time, deadline) } ?? deadline
  }

  private func isInForce(_ deadline: Deadline) -> Bool {
    switch held[deadline.id]?.place {
    case .delivery(_, deadline.time), .delay(deadline.time): true
    case .delivery, .delay, nil: false
    }
  }
}

// MARK: Consistency

extension MessageBus {
  /// Deadlines that are kept, those that came to nothing among them.
  var deadlinesCount: Int { deadlines.count + delays.count }

  /// How many queues, messages, sessions with messages to be tried again, and receivers are kept.
  var sizes: [Int] { [queues.count, held.count, delayed.count, owners.count] }

  /// Where memory and the file tell different things; each find is a sentence.
  func inconsistencies(with database: Database) throws(StorageFailure) -> [String] {
    var finds: [String] = []
    for (id, queue) in queues {
      let messages = held.values.filter { $0.sessionID == id }
      let deliveries = (receivers[id] ?? []).reduce(0) { $0 + $1.heldIDs.count }
      if queue.inDeliveryCount != deliveries {
        finds.append("\(queue.inDeliveryCount) messages are in delivery to \(id), and its receivers hold \(deliveries)")
      }
      var count = 0
      for priority in MessagePriority.allCases {
        let lane = queue.lanes[priority.lane]
        let rows = "SELECT count(*) FROM messages WHERE receiver_id = '\(id)' AND priority = \(priority.rawValue)"
        let total = Int(try database.integer(rows) ?? 0)
        let fresh = Int(try database.integer("\(rows) AND number > \(lane.cursor)") ?? 0)
        let known = messages.count { $0.priority == priority } + lane.returned.count + lane.freshCount
        if total != known { finds.append("\(total) messages of \(id) are \(priority), not \(known)") }
        if fresh != lane.freshCount { finds.append("\(fresh) messages of \(id) are new, not \(lane.freshCount)") }
        count += total
      }
      if count != queue.count { finds.append("\(id) has \(count) messages, not \(queue.count)") }
    }
    var known = Totals()
    for queue in queues.values { known.replace(nil, with: queue) }
    if totals != known { finds.append("all queues have \(known), not \(totals)") }
    let sessions = try database.integer("SELECT count(DISTINCT receiver_id) FROM messages") ?? 0
    let receivers = queues.values.count { $0.count > 0 }
    if sessions != Int64(receivers) { finds.append("\(sessions) sessions have messages, not \(receivers)") }
    return finds
  }
}
