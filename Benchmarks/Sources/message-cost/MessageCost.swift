import ArgumentParser
import Foundation
import RPCTransport
import SessionAPI

/// The command line.
@main
struct MessageCost: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "message-cost",
    abstract: "Measures what a message costs that is sent, delivered and acknowledged.",
    discussion: "It measures and does not judge: it fails only when calls do, or messages are not what was sent.")

  @Option(help: ArgumentHelp("The server, built in release mode.", valueName: "file"))
  var sessiond: String
  @Option(help: ArgumentHelp("Where the database goes for the time of the run; not in memory.", valueName: "folder"))
  var folder = "."
  @Option(help: "Rounds; in each, everything is measured once.")
  var rounds = 3
  @Option(help: "Messages in a sample of one pair.")
  var loneMessages = 2000
  @Option(help: "Messages in a sample of 64 pairs.")
  var groupMessages = 32_000

  func validate() throws {
    guard rounds > 0, loneMessages > 0, groupMessages >= 64 else {
      throw ValidationError("Rounds and messages are at least 1, and --group-messages at least 64.")
    }
  }

  func run() async throws {
    let folder = URL(fileURLWithPath: folder).appending(path: "message-cost-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      // What is left behind is no reason to lose the figures.
      try? FileManager.default.removeItem(at: folder)
    }
    let server = try ServerProcess(sessiond, database: folder.appending(path: "sessions.db").path)
    defer { server.stop() }
    let client = try RPCClient(host: "127.0.0.1", port: server.port)
    print("\(rounds) rounds: medians, in brackets the range")
    for (count, messages) in [(1, loneMessages), (64, groupMessages)] {
      var samples: [Sample] = []
      for _ in 0..<rounds {
        let pairs = try await Pair.make(count, client)
        let before = try server.cpuMicroseconds()
        var sample = try await Sample.take(pairs, messages: messages / count)
        sample.cpuMicroseconds = (try server.cpuMicroseconds() - before) / Double(messages)
        samples.append(sample)
      }
      show(count, samples)
    }
    await client.close(grace: .zero)
  }

  private func show(_ pairs: Int, _ samples: [Sample]) {
    func line(_ name: String, _ value: (Sample) -> Double) {
      let values = samples.map(value).sorted()
      let (median, low, high) = (values[values.count / 2], values[0], values[values.count - 1])
      print(String(format: "  %-44@ %10.1f (%.1f-%.1f)", name as NSString, median, low, high))
    }
    print("\n\(pairs) pair\(pairs == 1 ? "" : "s"), each a message at a time")
    line("round trips a second") { $0.perSecond }
    line("server CPU us a round trip") { $0.cpuMicroseconds }
    line("from the answer to the delivery, us, median") { $0.latency(0.5) }
    line("the same, 99th percentile") { $0.latency(0.99) }
  }
}
