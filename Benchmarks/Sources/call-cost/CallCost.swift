import ArgumentParser
import Foundation

/// The command line.
@main
struct CallCost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call-cost",
    abstract: "Measures what calls and connections to sessiond cost, beside nghttpd in the same run.",
    discussion: """
      Servers share one processor and the load has another, where there are two. It measures and does not judge: \
      it fails only when calls do.
      """)

  @Option(help: ArgumentHelp("The server, built in release mode.", valueName: "file"))
  var sessiond: String
  @Option(help: ArgumentHelp("Where the databases go for the time of the run; not in memory.", valueName: "folder"))
  var folder = "."
  @Option(help: "Sessions that are there when reading starts.")
  var sessions = 1000
  @Option(help: "Rounds; in each, everything is measured once.")
  var rounds = 5
  @Option(help: "How often the servers of GetSession take turns in a round.")
  var turns = 10
  @Option(help: "GetSession calls in a turn.")
  var gets = 40_000
  @Option(help: "CreateSession calls in a sample of one caller.")
  var loneCreates = 4000
  @Option(help: "CreateSession calls in a sample of 64 callers.")
  var groupCreates = 40_000
  @Option(help: "How often one watcher reads the events in a sample.")
  var watches = 10
  @Option(help: "Idle connections in a sample; as many others are open already.")
  var idleConnections = 2000
  @Option(help: "Longest time of one sample, in seconds.")
  var sampleSeconds = 120

  func validate() throws {
    let counts = [sessions, rounds, turns, gets, loneCreates, groupCreates, watches, sampleSeconds]
    guard counts.allSatisfy({ $0 > 0 }) else { throw ValidationError("Counts and times are at least 1.") }
    guard gets >= 500 else { throw ValidationError("--gets is at least 500: that many calls are made at once.") }
    guard groupCreates >= 64 else { throw ValidationError("--group-creates is at least 64.") }
    // Twice that many ports of this machine are taken, and it has some 28,000 to give (ip(7)).
    guard 1...10_000 ~= idleConnections else { throw ValidationError("--idle-connections is from 1 to 10000.") }
  }

  func run() throws {
    let missing = Program.missing(["h2load", "nghttpd", "curl", "openssl", "setpriv", "taskset", "timeout"])
    guard missing.isEmpty else {
      throw BenchmarkFailure(
        """
        missing: \(missing.joined(separator: ", ")); Debian has them in nghttp2-client, nghttp2-server, curl, openssl, \
        util-linux, coreutils
        """)
    }
    try Loopback.allow(connections: 2 * idleConnections)
    let folder = URL(fileURLWithPath: folder).appending(path: "call-cost-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      // What is left behind is no reason to lose the figures.
      try? FileManager.default.removeItem(at: folder)
    }
    let several = ProcessInfo.processInfo.activeProcessorCount > 1
    let run = Run(
      options: self, folder: folder.path, serverProcessor: several ? 0 : nil, loadProcessor: several ? 1 : nil)
    try Comparison(run: run).measure()
  }
}

/// What all measurements of a run share.
struct Run {
  let options: CallCost
  let folder: String
  let serverProcessor: Int?
  let loadProcessor: Int?
  let table = Table()

  /// What nghttpd serves: nothing that protects a server.
  var replies: String { folder + "/replies" }

  func sample(_ target: Target, _ shape: LoadShape, count: Int) throws -> LoadSample {
    try target.sample(shape, count: count, seconds: options.sampleSeconds, processor: loadProcessor)
  }
}
