import ArgumentParser
import Foundation

/// The command line.
@main
struct SessionScale: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session-scale",
    abstract: "Measures lists, searches, reads and creates among few sessions and among many.",
    discussion: """
      Fills a database for each number of sessions, and has a server on each; they share one processor and take turns. \
      It measures and does not judge: it fails only when calls do.
      """)

  @Option(help: ArgumentHelp("The server, built in release mode.", valueName: "file"))
  var sessiond: String
  @Option(help: ArgumentHelp("Where the databases go for the time of the run; not in memory.", valueName: "folder"))
  var folder = "."
  @Option(parsing: .upToNextOption, help: "Numbers of sessions; what others cost is compared with the first.")
  var sessions = [1000, 100_000, 1_000_000]
  @Option(help: "Rounds; in each, everything is measured once.")
  var rounds = 5
  @Option(help: "Lists and searches in a sample, of each kind.")
  var calls = 500
  @Option(help: "GetSession calls in a sample.")
  var gets = 100_000
  @Option(help: "CreateSession calls in a sample; few, as the fewest sessions must stay few.")
  var creates = 2000
  @Option(help: "Longest time of one sample, in seconds.")
  var sampleSeconds = 120

  func validate() throws {
    guard [rounds, calls, creates, sampleSeconds].allSatisfy({ $0 > 0 }) else {
      throw ValidationError("Counts and times are at least 1.")
    }
    guard gets >= 500, creates >= 64 else { throw ValidationError("--gets is at least 500, and --creates 64.") }
    guard !sessions.isEmpty, sessions.allSatisfy({ $0 >= 1000 }), Set(sessions).count == sessions.count else {
      throw ValidationError("--sessions are different numbers of at least 1000.")
    }
  }

  func run() throws {
    let missing = Program.missing(["h2load", "curl", "setpriv", "taskset", "timeout"])
    guard missing.isEmpty else {
      throw BenchmarkFailure(
        """
        missing: \(missing.joined(separator: ", ")); Debian has them in nghttp2-client, curl, util-linux, coreutils
        """)
    }
    let folder = URL(fileURLWithPath: folder).appending(path: "session-scale-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      // What is left behind is no reason to lose the figures.
      try? FileManager.default.removeItem(at: folder)
    }
    let several = ProcessInfo.processInfo.activeProcessorCount > 1
    let run = Run(
      options: self, folder: folder.path, serverProcessor: several ? 0 : nil, loadProcessor: several ? 1 : nil)
    try Scales(run: run).measure()
  }
}

/// What all measurements of a run share.
struct Run {
  let options: SessionScale
  let folder: String
  let serverProcessor: Int?
  let loadProcessor: Int?
  let table = Table()
}
