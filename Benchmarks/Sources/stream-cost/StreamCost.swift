import ArgumentParser
import Foundation

/// The command line.
@main
struct StreamCost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream-cost",
    abstract: "Measures what heartbeats and watched events cost sessiond, by streams that stay open.",
    discussion: """
      The server has one processor and the load another, where there are two. It measures and does not judge: it fails \
      only when calls do, or answers are wrong.
      """)

  @Option(help: ArgumentHelp("The server, built in release mode; several take turns.", valueName: "file"))
  var sessiond: [String]
  @Option(help: ArgumentHelp("Where the databases go for the time of the run; not in memory.", valueName: "folder"))
  var folder = "."
  @Option(help: "Rounds; in each, everything is measured once.")
  var rounds = 3
  @Option(help: "Sessions that report, ten on a stream.")
  var sessions = 1000
  @Option(help: "Reports in a sample.")
  var reports = 500_000
  @Option(parsing: .upToNextOption, help: "Numbers of watchers.")
  var watchers = [1, 100, 1000]
  @Option(help: "Events in a sample of watchers that catch up; memory holds 65536.")
  var events = 50_000
  @Option(help: "Deliveries in a sample, at least: few watchers read their events again and again, many read fewer.")
  var deliveries = 2_000_000
  @Option(help: "Events in a sample beside a watcher that never reads; more than memory holds, to mean anything.")
  var unreadEvents = 70_000
  @Option(help: "Longest time of one sample, in seconds.")
  var sampleSeconds = 120

  func validate() throws {
    let counts = [rounds, reports, events, deliveries, unreadEvents, sampleSeconds] + watchers
    guard !sessiond.isEmpty, counts.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("Counts and times are at least 1.")
    }
    guard sessions >= 70, sessions.isMultiple(of: 10) else {
      throw ValidationError("--sessions is a multiple of 10, at least 70: 64 are changed at once.")
    }
    guard events <= 65_536 else { throw ValidationError("--events is at most 65536.") }
    guard watchers.allSatisfy({ $0 <= 8000 }) else { throw ValidationError("--watchers are at most 8000.") }
  }

  func run() throws {
    let missing = Program.missing(["h2load", "curl", "setpriv", "taskset", "timeout"])
    guard missing.isEmpty else {
      throw BenchmarkFailure(
        """
        missing: \(missing.joined(separator: ", ")); Debian has them in nghttp2-client, curl, util-linux, coreutils
        """)
    }
    try Loopback.allow(connections: max(sessions / HeartbeatCost.sessionsPerStream, watchers.max() ?? 0))
    let folder = URL(fileURLWithPath: folder).appending(path: "stream-cost-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      // What is left behind is no reason to lose the figures.
      try? FileManager.default.removeItem(at: folder)
    }
    let several = ProcessInfo.processInfo.activeProcessorCount > 1
    if several { try Program.pin(processor: 1) }
    let run = Run(
      options: self, folder: folder.path, serverProcessor: several ? 0 : nil, loadProcessor: several ? 1 : nil)
    run.table.show("\(rounds) rounds: medians, in brackets the range")
    var servers: [WatchedServer] = []
    defer { for server in servers { server.process.stop() } }
    for (index, program) in sessiond.enumerated() {
      servers.append(try WatchedServer(run, program: program, name: index == 0 ? "" : ", server \(index + 1)"))
    }
    try HeartbeatCost(run: run, servers: servers).measure()
    try FanOutCost(run: run, servers: servers).measure()
    for server in servers { try UnreadEvents(run: run, server: server).measure() }
  }
}

/// What all measurements of a run share.
struct Run {
  let options: StreamCost
  let folder: String
  let serverProcessor: Int?
  let loadProcessor: Int?
  let table = Table()

  /// Does something in turns, and gives the series of each server.
  func rounds(_ servers: [WatchedServer], _ sample: (WatchedServer) throws -> Double) throws -> [Series] {
    var series = servers.map { _ in Series() }
    for _ in 0..<options.rounds {
      for (index, server) in servers.enumerated() { series[index].add(try sample(server)) }
    }
    return series
  }
}
