import Foundation
import SessionDomain

/// Fills a database with sessions as their callers would: by the server's own code, which makes the rows of sessions,
/// events and totals, only that nothing waits for the disk.
struct SessionFill {
  /// The key whose values lists are narrowed by.
  static let key = "domain"
  private static let domains = 20
  private static let batch = 1024

  let path: String
  let count: Int

  static func name(_ number: Int) -> String { "worker-\(String(format: "%07d", number))" }

  static func domain(_ number: Int) -> String { "domain-\(number % domains)" }

  func run() throws {
    var settings = SessionStoreSettings(path: path)
    settings.maxSessions = .max
    settings.sessionTimeout = .zero
    settings.eventRetentionCount = .max
    let database = try Migrator.open(path: path)
    try MetadataIndexSchema(database: database).update(
      to: MetadataIndexes([MetadataPath([Self.key])].compactMap { $0 }), report: { _ in })
    try database.execute("PRAGMA synchronous = OFF")
    let clock = SystemClock()
    let notes = BusNotes()
    let writer = try Writer(
      database: database, settings: settings, clock: clock, monotonicClock: ContinuousClock(),
      idGenerator: MonotonicIDGenerator(clock: clock), healthLook: nil, queues: notes, notes: notes,
      activityTimes: ActivityTimes(), searchMemory: try SearchMemory(database, bytesMax: 0))
    var next = 0
    var parent = ""
    while next < count {
      try writer.beginBatch()
      for number in next..<min(count, next + Self.batch) {
        let id = try create(number, parent: parent, writer)
        if number.isMultiple(of: 100) { parent = id.description }
      }
      _ = try writer.commitBatch()
      next += Self.batch
    }
  }

  /// Three of eight become active and stay so, and two complete.
  private static let moves: [[SessionStatus]] = [
    [], [.active], [.active], [.active], [.active, .idle], [.active, .completed], [.active, .completed], [.error],
  ]

  private func create(_ number: Int, parent: String, _ writer: Writer) throws -> SessionID {
    let types: [SessionType] = [.department, .department, .active, .director, .observer]
    let draft = SessionDraft(
      type: types[number / 8 % types.count], name: Self.name(number),
      workspace: "/srv/workspaces/team-\(number % 97)/project-\(number % 1009)",
      metadata: [Self.key: .string(Self.domain(number)), "owner": .string("benchmarks")],
      capabilities: ["batch-processing", "report-generation"], constraints: ["max-memory:4gb"],
      environment: ["REGION": "eu-central-1"], parentID: number.isMultiple(of: 10) ? parent : "")
    guard let new = draft.check().value else { throw BenchmarkFailure("\(draft) is no session") }
    let id = try writer.apply { (writer) throws(SessionError) in try writer.create(new, request: nil) }.id
    for status in Self.moves[number % Self.moves.count] {
      guard let edit = SessionChange.move(to: status).check().value else { throw BenchmarkFailure("no move") }
      _ = try writer.apply { (writer) throws(SessionError) in try writer.update(id, edit, expectedRevision: nil) }
    }
    return id
  }
}
