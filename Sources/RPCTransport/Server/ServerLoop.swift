import NIOCore
import RPCCore

/// One event loop of a server: what runs its tasks, its share of the memory, and the connections it looks after.
/// Confined to the loop, but for `executor`.
final class ServerLoop: @unchecked Sendable {
  let executor: LoopExecutor
  let memory: LoopMemory
  /// Its place among the server's, from 1 on.
  let lane: UInt16
  private let limits: ConnectionLimits
  private let lookInterval: TimeAmount
  private var entries: [ObjectIdentifier: Entry] = [:]
  private var looking: RepeatedTask?
  private var isDraining = false

  private struct Entry {
    let channel: any Channel
    let start: MonotonicInstant
    // None before the TLS handshake is over.
    var connection: ServerConnection?
  }

  init(_ eventLoop: any EventLoop, lane: UInt16, budget: MemoryBudget, configuration: ServerConfiguration) {
    executor = LoopExecutor(eventLoop, clock: configuration.now)
    self.lane = lane
    memory = LoopMemory(budget)
    limits = configuration.limits
    lookInterval = TimeAmount(limits.lookInterval)
  }

  /// Looks after `channel` until it is closed and its handlers have ended; calls `forgotten` then.
  func add(_ channel: any Channel, forgotten: @escaping () -> Void) {
    let key = ObjectIdentifier(channel)
    entries[key] = Entry(channel: channel, start: executor.clock())
    // A handler that is cancelled still needs its loop to end on.
    channel.closeFuture.assumeIsolated().whenComplete { _ in
      let forget = {
        self.entries[key] = nil
        self.lookIfNeeded()
        forgotten()
      }
      if let connection = self.entries[key]?.connection { connection.whenIdle(forget) } else { forget() }
    }
    lookIfNeeded()
  }

  /// Makes the connection of `channel`, which may be too late.
  /// - Throws: `Unwelcome`, or what `make` throws.
  func open(
    _ channel: any Channel, _ make: (_ start: MonotonicInstant) throws -> ServerConnection
  ) throws -> ServerConnection {
    let key = ObjectIdentifier(channel)
    guard !isDraining, let start = entries[key]?.start else { throw Unwelcome() }
    let connection = try make(start)
    entries[key]?.connection = connection
    return connection
  }

  // One timer for all connections: one for each would cost an idle connection more than looking does.
  private func lookIfNeeded() {
    if entries.isEmpty {
      looking?.cancel()
      looking = nil
    } else if looking == nil {
      looking = executor.eventLoop.scheduleRepeatedTask(initialDelay: lookInterval, delay: lookInterval) { _ in
        self.look(at: self.executor.clock())
      }
    }
  }

  private func look(at now: MonotonicInstant) {
    for entry in entries.values {
      if let connection = entry.connection {
        connection.look(at: now)
      } else if let limit = limits.firstRequest, now - entry.start >= limit {
        entry.channel.close(promise: nil)
      }
    }
  }

  /// Lets all connections finish their calls.
  func drain() {
    isDraining = true
    for entry in entries.values {
      // One whose TLS handshake goes on has no call to finish.
      if let connection = entry.connection { connection.drain() } else { entry.channel.close(promise: nil) }
    }
  }

  /// Closes all connections with the calls they have.
  func abandon() {
    for entry in entries.values { entry.connection?.abandon() }
  }
}
