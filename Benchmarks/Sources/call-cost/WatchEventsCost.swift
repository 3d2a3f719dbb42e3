/// What a watcher costs that catches up: with the newest events, which memory holds, and with the oldest.
struct WatchEventsCost {
  /// The server keeps that many of the newest events in memory, and more.
  private static let eventsInMemory: Int64 = 50_000

  let run: Run
  let sessiond: Sessiond

  func measure() throws {
    let newest = try sessiond.stored.newestSequence()
    run.table.head("WatchEvents, one watcher catching up", ["events/s", "server CPU us/event"])
    let fromMemory = try watch("the newest, from memory", after: max(0, newest - Self.eventsInMemory), until: newest)
    // Whether more than memory holds is there depends on how many sessions were created.
    if newest > 2 * Self.eventsInMemory {
      _ = try watch("the oldest, from the file", after: 0, until: Self.eventsInMemory)
    }
    run.table.row(
      "from memory, events per second of CPU", [nil, Cell(1_000_000 / fromMemory, digits: 0)],
      target: "at least 2,000,000")
  }

  /// Gives the server's CPU per event, in microseconds.
  private func watch(_ name: String, after: Int64, until: Int64) throws -> Series {
    let stream = EventStream(target: try sessiond.watchEvents(after: after), after: after, until: until)
    let watches = run.options.watches
    let events = Double(until - after) * Double(watches)
    var (rate, cpu) = (Series(), Series())
    for _ in 0..<run.options.rounds {
      var seconds = 0.0
      let before = try sessiond.process.cpuMicroseconds()
      for _ in 0..<watches {
        seconds += try stream.read(seconds: run.options.sampleSeconds, processor: run.loadProcessor)
      }
      cpu.add((try sessiond.process.cpuMicroseconds() - before) / events)
      rate.add(events / seconds)
    }
    run.table.row("\(name), \(until - after) events", [Cell(rate, digits: 0), Cell(cpu, digits: 2)])
    return cpu
  }
}
