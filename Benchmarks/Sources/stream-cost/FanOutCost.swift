import Foundation

/// What it costs to deliver each event to many watchers, each on a connection of its own.
struct FanOutCost {
  let run: Run
  let servers: [WatchedServer]

  func measure() throws {
    for server in servers {
      let updates = try Updates(server)
      _ = try updates.make(turns: run.options.events / 64 + 1) { try updates.wait() }
    }
    run.table.head(
      "WatchEvents, all catching up from memory", ["server CPU us/delivery", "million/s of CPU"])
    for watchers in run.options.watchers {
      // As many as there are; a few for very many watchers.
      let events = max(min(run.options.events, run.options.deliveries / watchers), 100)
      let times = max(1, min(10, run.options.deliveries / (events * watchers)))
      let costs = try run.rounds(servers) { try catchUp($0, watchers: watchers, events: Int64(events), times: times) }
      for (server, cost) in zip(servers, costs) {
        run.table.row(
          "\(watchers) watching, \(events) events\(server.name)",
          [Cell(cost, digits: 3), Cell(1 / cost, digits: 2)], target: "at least 3")
      }
      run.table.ratios(of: costs)
    }
    run.table.head(
      "WatchEvents, live, 64 events at a time", ["server CPU us/event", "million/s of CPU"])
    for watchers in run.options.watchers { try measureLive(watchers) }
  }

  /// All begin at once, so many events before the newest one.
  private func catchUp(_ server: WatchedServer, watchers: Int, events: Int64, times: Int) throws -> Double {
    let newest = try server.newestSequence()
    let cpu = try server.cpuMicroseconds {
      for _ in 0..<times {
        let watching = try Watchers(server, count: watchers, after: newest - events)
        while try !watching.haveSeen(newest) { try watching.read() }
      }
    }
    return cpu / Double(watchers * times) / Double(events)
  }

  /// What few watchers add is less than what the events themselves vary by.
  private static let fewWatchers = 50

  private func measureLive(_ watchers: Int) throws {
    let turns = max(1, min(run.options.events, run.options.deliveries / watchers) / 64)
    var (alone, beside) = (servers.map { _ in Series() }, servers.map { _ in Series() })
    for _ in 0..<run.options.rounds {
      for (index, server) in servers.enumerated() {
        let sample = try live(server, watchers: watchers, turns: turns)
        alone[index].add(sample.alone)
        beside[index].add(sample.beside)
      }
    }
    for (index, server) in servers.enumerated() {
      let millions = Double(watchers) / (beside[index] - alone[index])
      run.table.row("\(turns * 64) events without watchers\(server.name)", [Cell(alone[index], digits: 1), nil])
      run.table.row(
        "\(watchers) watching\(server.name)",
        [Cell(beside[index], digits: 1), watchers < Self.fewWatchers ? nil : Cell(millions, digits: 2)],
        target: watchers < Self.fewWatchers ? nil : "at least 3")
    }
    run.table.ratios(of: beside)
  }

  /// Makes events while nobody watches, and again while all do; what each event takes, in microseconds.
  private func live(
    _ server: WatchedServer, watchers: Int, turns: Int
  ) throws -> (alone: Double, beside: Double) {
    let updates = try Updates(server)
    let alone = try server.cpuMicroseconds { _ = try updates.make(turns: turns) { try updates.wait() } }
    let newest = try server.newestSequence()
    let watching = try Watchers(server, count: watchers, after: newest)
    try watching.waitUntilTheyWatch()
    let beside = try server.cpuMicroseconds {
      let made = try updates.make(turns: turns) { try watching.readAvailable() }
      while try !watching.haveSeen(newest + made) { try watching.read() }
    }
    let events = Double(turns * 64)
    return (alone / events, beside / events)
  }
}

/// Watchers that read all they get, and check it.
final class Watchers {
  private var watchers: [Watcher]
  private let polled: [pollfd]

  /// Begins to watch, each after the event `after`.
  init(_ server: WatchedServer, count: Int, after: Int64) throws {
    watchers = try (0..<count).map { _ in try Watcher(server, after: after) }
    polled = watchers.map(\.connection.socket.polled)
    let call = Connection.call(
      WatchedServer.path("EventService/WatchEvents"), Requests.watchEvents(after: after), stream: 1,
      server.process.access)
    for watcher in watchers { try watcher.connection.socket.write(call) }
  }

  /// Waits for something to come, and reads it.
  func read() throws {
    for index in try LoopbackSocket.readable(polled) { try watchers[index].read() }
  }

  /// Reads what is there.
  func readAvailable() throws {
    for index in LoopbackSocket.readableNow(polled) { try watchers[index].read() }
  }

  func waitUntilTheyWatch() throws {
    while watchers.contains(where: { !$0.isWatching }) { try read() }
  }

  /// Whether all have come to an event; there may be none after it.
  func haveSeen(_ sequence: Int64) throws -> Bool {
    guard watchers.allSatisfy({ $0.sequence <= sequence }) else {
      throw BenchmarkFailure("events came that nobody made")
    }
    return watchers.allSatisfy { $0.sequence == sequence }
  }
}

private final class Watcher {
  let connection: Connection
  private(set) var sequence: Int64
  /// The server has said from where on it sends events.
  private(set) var isWatching = false
  private var messages = Messages()

  init(_ server: WatchedServer, after: Int64) throws {
    connection = try Connection(port: server.process.port)
    sequence = after
  }

  func read() throws {
    try connection.receive { frame in
      guard frame.kind == .data else { return }
      try messages.take(frame.payload) { message in
        guard let found = message.eventSequence else {
          isWatching = true
          return
        }
        guard found == sequence + 1 else { throw BenchmarkFailure("event \(found) came after \(sequence)") }
        sequence = found
      }
    }
  }
}
