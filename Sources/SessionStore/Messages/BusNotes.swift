import SessionDomain
import Synchronization

/// What others than the committer's thread have to tell the message bus: receivers that closed or have room again, and
/// sessions to which nothing is to be delivered for a while.
final class BusNotes: Sendable {
  /// What was told since it was asked last.
  struct News {
    var closed: [MessageMailbox] = []
    var sessions: [SessionID] = []

    var isEmpty: Bool { closed.isEmpty && sessions.isEmpty }
  }

  private struct State {
    var news = News()
    var pauses: [SessionID: Int] = [:]
    var wake: @Sendable () -> Void = {}
  }

  private let state = Mutex(State())

  /// Calls `wake` whenever there is news.
  func tell(_ wake: @escaping @Sendable () -> Void) {
    state.withLock { $0.wake = wake }
  }

  func noteClosed(_ mailbox: MessageMailbox) {
    note { $0.news.closed.append(mailbox) }
  }

  func noteRoom(for id: SessionID) {
    note { $0.news.sessions.append(id) }
  }

  func pauseDeliveries(to id: SessionID) {
    state.withLock { $0.pauses[id, default: 0] += 1 }
  }

  func resumeDeliveries(to id: SessionID) {
    note { state in
      let left = (state.pauses[id] ?? 0) - 1
      state.pauses[id] = left > 0 ? left : nil
      state.news.sessions.append(id)
    }
  }

  func isPaused(_ id: SessionID) -> Bool {
    state.withLock { $0.pauses[id] != nil }
  }

  var hasNews: Bool { state.withLock { !$0.news.isEmpty } }

  func take() -> News {
    state.withLock { state in
      defer { state.news = News() }
      return state.news
    }
  }

  private func note(_ change: (inout State) -> Void) {
    let wake = state.withLock { state in
      change(&state)
      return state.wake
    }
    wake()
  }
}

extension BusNotes: MessageQueues {
  func pendingCount(of id: SessionID, by writer: Writer) -> Int { writer.bus.count(of: id) }

  func inDeliveryCount(of id: SessionID, by writer: Writer) -> Int { writer.bus.queue(of: id)?.inDeliveryCount ?? 0 }

  func discardAll(of id: SessionID, reason: String, by writer: Writer) throws(StorageFailure) -> Int {
    try writer.discardMessages(of: id, reason: reason)
  }
}
