import SessionDomain
import Synchronization

/// What searches look into, as of the last commit.
///
/// A commit and what it changes here are one step for searches: each begins on a snapshot of the file and a copy of
/// the column that tell the same.
final class SearchMemory: Sendable {
  private let bytesMax: Int
  private let report: @Sendable (StoreNotice) -> Void
  /// Nil when all texts together are too many, and searches read the file.
  private let column: Mutex<SearchColumn?>

  init(
    _ database: Database, bytesMax: Int, report: @escaping @Sendable (StoreNotice) -> Void = { _ in }
  ) throws(StorageFailure) {
    self.bytesMax = bytesMax
    self.report = report
    do throws(StorageFailure) {
      let stored = bytesMax > 0 ? try SearchColumn.read(database, bytesMax: bytesMax) : nil
      column = Mutex(stored)
      if bytesMax > 0, stored == nil { report(.searchMemoryExceeded(bytesMax: bytesMax)) }
    } catch {
      // A damaged page is told by the calls that read it, searches among them.
      guard error.kind == .corrupt else { throw error }
      column = Mutex(nil)
      report(.searchMemoryUnreadable)
    }
  }

  /// Makes a commit, and follows it.
  func follow(
    _ changes: Writer.Changes, _ commit: () throws(StorageFailure) -> Void
  ) throws(StorageFailure) {
    guard
      !changes.sessions.isEmpty || !changes.kept.isEmpty || !changes.reports.isEmpty || !changes.deleted.isEmpty
    else { return try commit() }
    let isExceeded = try column.withLock { (column) throws(StorageFailure) in
      try commit()
      for session in changes.sessions { column?.put(session) }
      for (id, time) in changes.kept { column?.noteActivity(of: id, at: time) }
      for (id, report) in changes.reports { column?.noteActivity(of: id, at: report.time) }
      for id in changes.deleted { column?.remove(id) }
      guard let bytes = column?.bytes, bytes > bytesMax else { return false }
      column = nil
      return true
    }
    if isExceeded { report(.searchMemoryExceeded(bytesMax: bytesMax)) }
  }

  /// Begins the snapshot of the transaction that the connection is in, and gives the column as it is in it.
  func begin(_ database: Database) throws(StorageFailure) -> SearchColumn? {
    try column.withLock { (column) throws(StorageFailure) in
      _ = try database.integer("SELECT sequence FROM totals WHERE id = 1")
      return column
    }
  }
}
