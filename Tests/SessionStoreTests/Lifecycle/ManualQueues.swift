import RepositoryConformance
import SessionDomain
import Synchronization

@testable import SessionStore

/// What a message bus would hold, as a test says.
final class ManualQueues: MessageQueues {
  struct Queue: Equatable {
    var waiting = 0
    var inDelivery = 0
    var pauses = 0
    var discardReasons: [String] = []
  }

  private let queues = Mutex<[SessionID: Queue]>([:])

  subscript(id: SessionID) -> Queue {
    get { queues.withLock { $0[id] ?? Queue() } }
    set { queues.withLock { $0[id] = newValue } }
  }

  func pendingCount(of id: SessionID, by writer: Writer) -> Int { self[id].waiting + self[id].inDelivery }

  func inDeliveryCount(of id: SessionID, by writer: Writer) -> Int { self[id].inDelivery }

  func discardAll(of id: SessionID, reason: String, by writer: Writer) -> Int {
    queues.withLock { queues in
      var queue = queues[id] ?? Queue()
      let count = queue.waiting + queue.inDelivery
      (queue.waiting, queue.inDelivery) = (0, 0)
      queue.discardReasons.append(reason)
      queues[id] = queue
      return count
    }
  }

  func pauseDeliveries(to id: SessionID) { queues.withLock { $0[id, default: Queue()].pauses += 1 } }

  func resumeDeliveries(to id: SessionID) { queues.withLock { $0[id, default: Queue()].pauses -= 1 } }
}

extension SQLiteSessionRepository {
  /// Takes messages from a session's queue as a bus would.
  func settle(_ id: SessionID, in queues: ManualQueues, waiting: Int = 0, inDelivery: Int = 0) async throws {
    try await onCommitter { writer in
      var queue = queues[id]
      queue.waiting -= waiting
      queue.inDelivery -= inDelivery
      queues[id] = queue
      writer.staged.relieved.append(id)
    }
  }

  func createRegistered(_ name: String, under parent: SessionID? = nil) async throws -> Session {
    var draft = SessionDraft(type: .active, name: name, workspace: "/work")
    draft.parentID = parent?.description ?? ""
    return try await bootstrap(BootstrapDraft(session: draft), request: nil)
  }

  func history(after sequence: Int64) async throws -> [SessionEvent] {
    try await events(.after(sequence), EventFilter(), limit: 1000).events
  }
}
