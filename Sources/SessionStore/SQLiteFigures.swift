import CSQLite
import Glibc
public import SessionDomain

extension SQLiteSessionRepository {
  /// What the store holds and does. Asks the system for the sizes of files, which may block as reading a file does.
  public var figures: StoreFigures {
    StoreFigures(
      commits: committer.figures, changesWaiting: committer.waitingCount, reading: readers.figures,
      fileBytes: fileBytes(settings.path), logBytes: fileBytes("\(settings.path)-wal"),
      memoryBytes: sqlite3_memory_used())
  }

  /// Whether the last change that was to be written could not be.
  public var isFailing: Bool { committer.figures.isFailing }

  /// Writes the file, in which only the time of the newest change moves on. Shows whether it can be written (again).
  public func tryWriting() async throws(SessionError) {
    // A row that is set to what it is leaves SQLite nothing to write.
    try await committer.submit { (writer) throws(SessionError) in
      writer.state.totals.time = Timestamp(microseconds: writer.nextTime().microseconds + 1)
    }
  }
}

// 0 where there is no such file.
private func fileBytes(_ path: String) -> Int64 {
  var status = stat()
  return stat(path, &status) == 0 ? Int64(status.st_size) : 0
}

/// The SQLite that the program runs with.
public enum SQLiteVersion {
  /// Such as 3.40.1.
  public static var text: String { String(cString: sqlite3_libversion()) }
}
