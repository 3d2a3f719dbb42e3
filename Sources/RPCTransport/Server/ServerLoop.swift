import NIOCore
import RPCCore

/// One event loop of a server: what runs its tasks, its share of the memory, and the connections it looks after.
/// Confined to the loop, but for `executor`.
final class ServerLoop: @unchecked Sendable {
  let executor: LoopExecutor
  let memory: LoopMemory
  private let lookInterval: TimeAmount
  private var connections: [ObjectIdentifier: Entry] = [:]
  private var looking: RepeatedTask?

  private struct Entry {
    let connection: ServerConnection
    let channel: any Channel
  }

  init(_ eventLoop: any EventLoop, budget: MemoryBudget, limits: ConnectionLimits) {
    executor = LoopExecutor(eventLoop)
    memory = LoopMemory(budget)
    lookInterval = TimeAmount(limits.lookInterval)
  }

  func add(_ connection: ServerConnection, on channel: any Channel) {
    connections[ObjectIdentifier(connection)] = Entry(connection: connection, channel: channel)
    // One timer for all connections: one for each would cost an idle connection more than looking does.
    if looking == nil {
      looking = executor.eventLoop.scheduleRepeatedTask(initialDelay: lookInterval, delay: lookInterval) { _ in
        self.look()
      }
    }
  }

  func remove(_ connection: ServerConnection) {
    connections[ObjectIdentifier(connection)] = nil
    guard connections.isEmpty else { return }
    looking?.cancel()
    looking = nil
  }

  private func look() {
    let now = ContinuousClock.now
    for entry in connections.values {
      entry.connection.look(at: now)
      // No bytes reach a connection whose handshake is not over.
      if entry.connection.isOver { entry.channel.close(promise: nil) }
    }
  }

  /// Lets all connections finish their calls.
  func drain() {
    for entry in connections.values { entry.connection.drain() }
  }

  /// Closes all connections with the calls they have.
  func abandon() {
    for entry in connections.values {
      entry.connection.abandon()
      entry.channel.close(promise: nil)
    }
  }
}
