import Foundation

/// Measures servers with different numbers of sessions, turn by turn, so that all meet the same machine.
struct Scales {
  private static let lone = LoadShape(connections: 1, streams: 1)
  private static let readers = LoadShape(connections: 10, streams: 50)
  private static let creators = LoadShape(connections: 8, streams: 8)

  let run: Run

  func measure() throws {
    var servers: [ScaledServer] = []
    defer { for server in servers { server.process.stop() } }
    for count in run.options.sessions { servers.append(try ScaledServer(run, count: count)) }
    run.table.show("\(run.options.rounds) rounds: medians, in brackets the range")
    for call in Call.bounded { try measure(call, on: servers) }
    try compare(.getSession, Self.readers, count: run.options.gets, on: servers)
    try compare(.createSession, Self.creators, count: run.options.creates, on: servers)
    for server in servers {
      run.table.show(
        "\(padded(server.count)) sessions: the server's memory is \(try server.process.residentBytes() >> 20) MiB")
    }
  }

  /// What one caller waits for.
  private func measure(_ call: Call, on servers: [ScaledServer]) throws {
    let samples = try samples(call, Self.lone, count: run.options.calls, on: servers)
    run.table.head(call.name, ["median ms", "p99 ms", "server CPU us/call"])
    for (server, samples) in zip(servers, samples) {
      run.table.row(
        "\(padded(server.count)) sessions",
        [
          Cell(Series(samples: samples.map { $0.percentile(50) }), digits: 2),
          Cell(Series(samples: samples.map { $0.percentile(99) }), digits: 2),
          Cell(Series(samples: samples.map(\.cpu)), digits: 0),
        ], target: target(server.count))
    }
  }

  /// What a call costs among many sessions, over what it costs among the fewest.
  private func compare(_ call: Call, _ shape: LoadShape, count: Int, on servers: [ScaledServer]) throws {
    let samples = try samples(call, shape, count: count, on: servers)
    let costs = samples.map { Series(samples: $0.map(\.cpu)) }
    run.table.head("\(call.name), \(shape.name)", ["median ms", "p99 ms", "server CPU us/call"])
    for (index, server) in servers.enumerated() {
      run.table.row(
        "\(padded(server.count)) sessions",
        [
          Cell(Series(samples: samples[index].map { $0.percentile(50) }), digits: 2),
          Cell(Series(samples: samples[index].map { $0.percentile(99) }), digits: 2), Cell(costs[index], digits: 2),
        ])
    }
    for (index, server) in servers.enumerated().dropFirst() {
      run.table.row(
        "\(padded(server.count)) / \(servers[0].count)", [nil, nil, Cell(costs[index] / costs[0], digits: 2)],
        target: "at most 1.20")
    }
  }

  /// For each server the samples of all rounds. The first round warms up, and is not counted.
  private func samples(
    _ call: Call, _ shape: LoadShape, count: Int, on servers: [ScaledServer]
  ) throws -> [[CallTimes]] {
    var samples = [[CallTimes]](repeating: [], count: servers.count)
    for round in 0...run.options.rounds {
      for index in round.isMultiple(of: 2) ? Array(servers.indices) : servers.indices.reversed() {
        let sample = try servers[index].sample(call, shape, count: count, round: round)
        if round > 0 { samples[index].append(sample) }
      }
    }
    return samples
  }

  private func target(_ sessions: Int) -> String? {
    switch sessions {
    case 100_000: "median at most 5"
    case 1_000_000: "median at most 20"
    default: nil
    }
  }

  private func padded(_ count: Int) -> String {
    let text = count.formatted(.number.locale(Locale(identifier: "en_US")))
    return String(repeating: " ", count: max(0, 9 - text.count)) + text
  }
}
