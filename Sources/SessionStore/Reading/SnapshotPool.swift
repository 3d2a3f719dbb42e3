import DequeModule
import SessionDomain
import Synchronization

/// Connections for snapshots: a bounded number, since an open read transaction keeps the write-ahead log from
/// shrinking. Who comes when all are in use waits in line.
final class SnapshotPool: Sendable {
  private struct State: ~Copyable {
    var idle: [Database] = []
    var openCount = 0
    var waiting = Deque<Waiter>()
    var nextWaiter = 0
    var isClosed = false
  }

  private struct Waiter {
    let number: Int
    let continuation: UnsafeContinuation<SessionError?, Never>
  }

  private let settings: SessionStoreSettings
  private let state = Mutex(State())

  init(settings: SessionStoreSettings) {
    self.settings = settings
  }

  /// A connection, when it is this caller's turn. Throws `overloaded` when too many wait, or the caller left.
  func acquire() async throws(SessionError) -> Database {
    if let error = await waitForTurn() { throw error }
    let idle = state.withLock { $0.idle.popLast() }
    if let idle { return idle }
    do throws(StoreOpenError) {
      return try ReaderPool.connect(settings.path)
    } catch {
      release(nil)
      throw .storage(StorageFailure(kind: .io, extendedCode: 0, statement: "open of a snapshot's connection"))
    }
  }

  /// Gives a connection back, outside of any transaction; nil for one that broke.
  func release(_ database: Database?) {
    let next = state.withLock { state -> Waiter? in
      if let database, !state.isClosed { state.idle.append(database) }
      if let next = state.waiting.popFirst() { return next }
      state.openCount -= 1
      return nil
    }
    next?.continuation.resume(returning: nil)
  }

  func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      state.idle = []
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.continuation.resume(returning: .closed) }
  }

  private func waitForTurn() async -> SessionError? {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<SessionError?, Never>) in
        let answer = state.withLock { state -> SessionError?? in
          guard !state.isClosed else { return .closed }
          if state.openCount < settings.snapshotsMax {
            state.openCount += 1
            return .some(nil)
          }
          guard state.waiting.count < settings.waitingSnapshotsMax, !Task.isCancelled else { return .overloaded }
          state.waiting.append(Waiter(number: number, continuation: continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
        return state.waiting.remove(at: index)
      }
      waiter?.continuation.resume(returning: .overloaded)
    }
  }
}
