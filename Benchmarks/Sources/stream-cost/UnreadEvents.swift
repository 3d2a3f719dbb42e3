import Foundation

/// What a watcher that never reads takes of the server's memory, while many more events commit than memory holds.
struct UnreadEvents {
  let run: Run
  let server: WatchedServer

  func measure() throws {
    let turns = run.options.unreadEvents / 64 + 1
    let updates = try Updates(server)
    // What the server keeps for all, it has then.
    _ = try updates.make(turns: turns) { try updates.wait() }
    let costs = try (0..<run.options.rounds).map { _ in
      let alone = try growth { _ = try updates.make(turns: turns) { try updates.wait() } }
      let silent = try Watchers(server, count: 1, after: try server.newestSequence())
      let beside = try growth { _ = try updates.make(turns: turns) { try updates.wait() } }
      return withExtendedLifetime(silent) { (alone, beside) }
    }
    var (alone, beside) = (Series(), Series())
    for (first, second) in costs {
      alone.add(first)
      beside.add(second)
    }
    run.table.head("Server memory over \(turns * 64) events\(server.name)", ["grows by KiB"])
    run.table.row("without a watcher", [Cell(alone, digits: 0)])
    run.table.row("with one that never reads", [Cell(beside, digits: 0)], target: "no more")
  }

  private func growth(_ body: () throws -> Void) throws -> Double {
    let before = try server.process.residentBytes()
    try body()
    return Double(try server.process.residentBytes() - before) / 1024
  }
}
