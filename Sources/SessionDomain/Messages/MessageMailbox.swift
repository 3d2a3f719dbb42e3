import Synchronization

/// Where one receiver finds the messages that were delivered to it: filled by a repository as they commit, and emptied
/// by the receiver's one task.
///
/// It is bounded: a repository gives a receiver that does not take its messages no more of them, and is told when there
/// is room again.
public final class MessageMailbox: Sendable {
  private struct State {
    /// From `first` on, in order.
    var deliveries: [Delivery] = []
    var first = 0
    var bytes = 0
    var waiter: UnsafeContinuation<Void, Never>?
    var ending: Ending?
    /// A delivery went back that was never taken.
    var isStalled = false
    /// Somebody looked for room, and there was none.
    var isRoomWanted = false

    var count: Int { deliveries.count - first }

    /// Whether room was wanted that there is now.
    mutating func takeRoomWanted() -> Bool {
      guard isRoomWanted, count <= countMax / 2, bytes < bytesMax else { return false }
      isRoomWanted = false
      return true
    }

    /// Removes a delivery; whether it was there.
    mutating func remove(_ id: MessageID) -> Bool {
      guard let index = deliveries[first...].firstIndex(where: { $0.message.id == id }) else { return false }
      bytes -= deliveries.remove(at: index).message.payload.count
      return true
    }

    mutating func takeWaiter() -> UnsafeContinuation<Void, Never>? {
      defer { waiter = nil }
      return waiter
    }
  }

  private enum Ending {
    /// The session ended or left the bus.
    case left
    case failed(SessionError)
    case closed
  }

  private enum Look {
    case delivery(Delivery, roomWasWanted: Bool)
    case nothing(roomWasWanted: Bool)
    case ended(Ending)
  }

  /// Deliveries that wait in it, at most.
  private static let countMax = 64
  /// Bytes of payload that wait in it, at most, unless one delivery alone has more.
  private static let bytesMax = 256 * 1024

  private let state = Mutex(State())
  private let whenRoom: @Sendable () -> Void
  private let whenClosed: @Sendable (MessageMailbox) -> Void

  /// Makes an empty mailbox. `whenRoom` is called when there is room after there was none, and `whenClosed` once, by
  /// whoever closes it.
  public init(whenRoom: @escaping @Sendable () -> Void, whenClosed: @escaping @Sendable (MessageMailbox) -> Void) {
    self.whenRoom = whenRoom
    self.whenClosed = whenClosed
  }

  // MARK: For the receiver

  /// The next delivery, when there is one; nil once the session ended or left the bus. One task at a time.
  ///
  /// Throws `cancelled` when the task is, `closed` when the mailbox or the repository is.
  public func next() async throws(SessionError) -> Delivery? {
    while true {
      switch look() {
      case .delivery(let delivery, let roomWasWanted):
        if roomWasWanted { whenRoom() }
        return delivery
      case .nothing(let roomWasWanted):
        if roomWasWanted { whenRoom() }
        guard !Task.isCancelled else { throw .cancelled }
        await waitForMore()
      case .ended(.left): return nil
      case .ended(.failed(let error)): throw error
      case .ended(.closed): throw .closed
      }
    }
  }

  /// How many deliveries wait to be taken.
  public var count: Int { state.withLock { $0.count } }

  /// Gives back what was delivered and is not acknowledged; may be repeated.
  public func close() {
    let wasOpen = state.withLock { state in
      if case .closed? = state.ending { return false }
      state.ending = .closed
      state.deliveries = []
      state.first = 0
      state.bytes = 0
      return true
    }
    if wasOpen { whenClosed(self) }
  }

  // MARK: For the repository

  /// Whether it can take another delivery, beside some that are on their way. If not, `whenRoom` is called later.
  public func hasRoom(besides count: Int, bytes: Int) -> Bool {
    state.withLock { state in
      guard state.ending == nil else { return false }
      let hasRoom =
        !state.isStalled && state.count + count < Self.countMax && state.bytes + bytes < Self.bytesMax
      if !hasRoom { state.isRoomWanted = true }
      return hasRoom
    }
  }

  /// Adds a delivery.
  public func put(_ delivery: Delivery) {
    let waiter = state.withLock { state in
      guard state.ending == nil else { return nil as UnsafeContinuation<Void, Never>? }
      state.deliveries.append(delivery)
      state.bytes += delivery.message.payload.count
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  /// Takes out a delivery that the receiver has not taken in time. If there is one, the receiver is stuck, and has no
  /// room until it takes again.
  public func withdraw(_ id: MessageID) {
    state.withLock { state in
      if state.remove(id) { state.isStalled = true }
    }
  }

  /// Takes out a delivery that was settled before the receiver has taken it, as by one that had it before.
  public func settle(_ id: MessageID) {
    state.withLock { _ = $0.remove(id) }
  }

  /// Ends it: the session ended or left the bus. What waits in it is not given out any more.
  public func leave() { end(.left) }

  /// Ends it with an error.
  public func fail(_ error: SessionError) { end(.failed(error)) }

  private func end(_ ending: Ending) {
    let waiter = state.withLock { state in
      if state.ending == nil { state.ending = ending }
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  private func look() -> Look {
    state.withLock { state in
      if let ending = state.ending { return .ended(ending) }
      state.isStalled = false
      guard state.count > 0 else { return .nothing(roomWasWanted: state.takeRoomWanted()) }
      let delivery = state.deliveries[state.first]
      state.first += 1
      state.bytes -= delivery.message.payload.count
      if state.count == 0 {
        state.deliveries.removeAll(keepingCapacity: true)
        state.first = 0
      }
      return .delivery(delivery, roomWasWanted: state.takeRoomWanted())
    }
  }

  private func waitForMore() async {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        let mustWait = state.withLock { state in
          guard state.count == 0, state.ending == nil, !Task.isCancelled else { return false }
          state.waiter = continuation
          return true
        }
        if !mustWait { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.takeWaiter() }?.resume()
    }
  }
}
