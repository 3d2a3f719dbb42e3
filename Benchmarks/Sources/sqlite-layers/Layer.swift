/// A way to use SQLite from Swift, on a file of its own with the server's schema.
protocol Layer {
  var name: String { get }

  /// Runs the committer's loop: batches, each one transaction with a flush; each row with its event in a savepoint; at
  /// the end of a batch the totals.
  func write(_ rows: ArraySlice<SampleRow>, batch: Int) throws

  /// Reads sessions by id, one after another, every column; gives the sum of their revisions.
  func read(_ ids: [String]) throws -> Int64
}

/// The statements of the loop, which are the server's own.
enum LoopSQL {
  static let begin = "BEGIN IMMEDIATE"
  static let commit = "COMMIT"
  static let savepoint = "SAVEPOINT change"
  static let release = "RELEASE change"
  static let insertSession = "INSERT INTO sessions (\(SessionRow.columns)) VALUES (\(marks(26)))"
  static let insertEvent = "INSERT INTO events (\(EventRow.columns)) VALUES (\(marks(13)))"
  static let updateTotals = "UPDATE totals SET sequence = ?, time = ? WHERE id = 1"
  static let readSession = "SELECT \(SessionRow.columns) FROM sessions WHERE id = ?"

  private static func marks(_ count: Int) -> String {
    Array(repeating: "?", count: count).joined(separator: ", ")
  }
}
