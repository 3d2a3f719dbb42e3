import ArgumentParser
import Foundation

/// The command line.
@main
struct SQLiteLayers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sqlite-layers",
    abstract: "Compares ways to use SQLite from Swift on the committer's loop and on the point read.",
    discussion: "Every round measures all of them once, each on a file of its own, in an order that turns around.")

  @Option(help: ArgumentHelp("Where the databases go for the time of the run; not in memory.", valueName: "folder"))
  var folder = "."
  @Option(help: "Rounds; in each, everything is measured once.")
  var rounds = 9
  @Option(help: "Creates in a sample.")
  var creates = 25_600
  @Option(help: "Creates in one transaction.")
  var batch = 256
  @Option(help: "Point reads in a sample.")
  var reads = 50_000
  @Flag(help: "Only two indexes of sessions, by creation and by activity, and none of events.")
  var twoIndexes = false

  func validate() throws {
    guard [rounds, creates, batch, reads].allSatisfy({ $0 > 0 }) else {
      throw ValidationError("Counts are at least 1.")
    }
  }

  func run() throws {
    let folder = URL(fileURLWithPath: folder).appending(path: "sqlite-layers-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      // What is left behind is no reason to lose the figures.
      try? FileManager.default.removeItem(at: folder)
    }
    let layers: [any Layer] = [
      try ThinLayer(try database(folder.path + "/own.db")),
      try grdb(folder.path + "/grdb.db", isAsDocumented: false),
      try grdb(folder.path + "/grdb-documented.db", isAsDocumented: true),
    ]
    print("\(rounds) rounds of \(creates) creates in batches of \(batch), and of \(reads) point reads, each layer;")
    print("\(twoIndexes ? "two indexes" : "the server's indexes") on sessions; medians, in brackets the range")
    try measure(layers)
  }

  private func measure(_ layers: [any Layer]) throws {
    var samples = SampleRows()
    var creates = Array(repeating: [Double](), count: layers.count)
    var reads = creates
    var ids: [String] = []
    var generator = SystemRandomNumberGenerator()
    // The first round warms up, and is not counted.
    for round in 0...rounds {
      let rows = samples.next(self.creates)
      ids += rows.map(\.id)
      let wanted = (0..<self.reads).compactMap { _ in ids.randomElement(using: &generator) }
      var sums: Set<Int64> = []
      for index in round.isMultiple(of: 2) ? Array(layers.indices) : layers.indices.reversed() {
        let start = ProcessorTime.now()
        try layers[index].write(rows[...], batch: batch)
        let written = ProcessorTime.now()
        sums.insert(try layers[index].read(wanted))
        let read = ProcessorTime.now()
        guard round > 0 else { continue }
        creates[index].append((written - start) / Double(rows.count))
        reads[index].append((read - written) / Double(wanted.count))
      }
      guard sums.count == 1 else { throw DifferentAnswers() }
    }
    report("create", layers, creates)
    report("point read", layers, reads)
  }

  private func report(_ title: String, _ layers: [any Layer], _ samples: [[Double]]) {
    print("\n\(padded(title, 24))\(right("CPU us", 24))\(right("over own wrapper", 24))")
    for (layer, own) in zip(layers, samples) {
      let ratios = zip(own, samples[0]).map { $0 / $1 }
      print("  \(padded(layer.name, 22))\(right(text(own), 24))\(right(text(ratios), 24))")
    }
  }

  private func text(_ values: [Double]) -> String {
    let sorted = values.sorted()
    let parts = [sorted[sorted.count / 2], sorted[0], sorted[sorted.count - 1]].map { String(format: "%.2f", $0) }
    return "\(parts[0]) (\(parts[1])-\(parts[2]))"
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// A file with the server's schema.
  private func database(_ path: String) throws -> Database {
    let database = try Migrator.open(path: path)
    if twoIndexes {
      try database.execute(
        """
        DROP INDEX sessions_by_type_and_create_time; DROP INDEX sessions_by_type_and_last_activity_time;
        DROP INDEX events_by_session
        """)
    }
    return database
  }

  private func grdb(_ path: String, isAsDocumented: Bool) throws -> GRDBLayer {
    _ = try database(path)
    return try GRDBLayer(path: path, isAsDocumented: isAsDocumented)
  }
}

/// The layers read different rows.
struct DifferentAnswers: Error {}
