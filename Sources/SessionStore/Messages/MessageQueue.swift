import SessionDomain

/// What memory knows of a session's queue. The messages themselves are in the file, and no part of this grows with them:
/// a cursor stands between those that were taken in this run of the server and those that were not.
struct MessageQueue {
  /// A message that waits.
  struct Waiting: Hashable {
    /// Its place in the order of all messages.
    let number: Int64
    let sendTime: Timestamp
  }

  /// The messages of one priority.
  struct Lane {
    /// Those after this number were not taken yet.
    private(set) var cursor: Int64 = 0
    /// How many they are.
    private(set) var freshCount = 0
    /// The first of them, if it is known.
    private(set) var head: Waiting?
    /// Those that were taken and came back, the oldest last.
    private(set) var returned: [Waiting] = []

    var isEmpty: Bool { freshCount == 0 && returned.isEmpty }

    /// The first of all that wait, if the first that was not taken yet is known.
    var first: Waiting? {
      guard let last = returned.last else { return head }
      guard let head, head.number < last.number else { return last }
      return head
    }

    var isHeadUnknown: Bool { freshCount > 0 && head == nil }

    /// Counts messages that are in the file at the start.
    mutating func load(_ count: Int) { freshCount = count }

    mutating func append(_ waiting: Waiting) {
      if freshCount == 0 { head = waiting }
      freshCount += 1
    }

    mutating func noteHead(_ waiting: Waiting) { head = waiting }

    /// Passes over a message that was delivered as it was sent, while no other waited.
    mutating func pass(_ number: Int64) { cursor = number }

    /// Takes the first.
    mutating func take(_ first: Waiting) {
      if returned.last == first {
        returned.removeLast()
      } else {
        cursor = first.number
        freshCount -= 1
        head = nil
      }
    }

    mutating func giveBack(_ waiting: Waiting) {
      returned.insert(waiting, at: place(of: waiting.number))
    }

    /// Drops a message that waits.
    mutating func drop(_ number: Int64) {
      if number > cursor {
        freshCount -= 1
        if head?.number == number { head = nil }
      } else {
        let place = place(of: number)
        if place < returned.count, returned[place].number == number { returned.remove(at: place) }
      }
    }

    private func place(of number: Int64) -> Int {
      var (low, high) = (0, returned.count)
      while low < high {
        let middle = (low + high) / 2
        if returned[middle].number > number { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  /// What sending and delivering have to know of the session.
  struct Seat {
    let status: SessionStatus
    let type: SessionType
    let registration: Registration?
    let queuedMessagesMax: Int64?
  }

  /// By priority, from the lowest on.
  var lanes = InlineArray<4, Lane>(repeating: Lane())
  /// All messages: those that wait, those in delivery, and those that wait to be tried again.
  var count = 0
  var inDeliveryCount = 0
  /// Nil when it must be read again.
  var seat: Seat?

  /// Whether no message waits that may be delivered.
  var isIdle: Bool {
    for lane in lanes.indices where !lanes[lane].isEmpty { return false }
    return true
  }

  /// The most urgent of the messages that wait, the oldest of several. The heads of all lanes must be known.
  func mostUrgent(at now: Timestamp) -> (priority: MessagePriority, waiting: Waiting)? {
    var best: (priority: MessagePriority, waiting: Waiting, urgency: Int64)?
    for priority in MessagePriority.allCases {
      guard let first = lanes[priority.lane].first else { continue }
      let urgency = priority.urgency(since: first.sendTime, at: now)
      if let best, best.urgency > urgency || best.urgency == urgency && best.waiting.number < first.number { continue }
      best = (priority, first, urgency)
    }
    return best.map { ($0.priority, $0.waiting) }
  }
}

extension MessagePriority {
  /// Its place among a queue's lanes.
  var lane: Int { Int(rawValue) - 1 }
}
