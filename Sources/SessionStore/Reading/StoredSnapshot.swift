import SessionDomain
import Synchronization

/// A read transaction that stays open between pages.
final class StoredSnapshot: SessionSnapshot {
  private static let pageSize = 256

  private enum Phase {
    case open(Database, after: SessionID?)
    case ended
    case expired
    case closed
  }

  let sequence: Int64
  private let filter: EventFilter
  /// The sessions asked for by id, in order; empty for all.
  private let ids: [SessionID]
  private let readers: ReaderPool
  private let pool: SnapshotPool
  private let phase: Mutex<Phase>
  private let expiry: Mutex<Task<Void, Never>?>

  static func open(
    _ filter: EventFilter, readers: ReaderPool, pool: SnapshotPool, lifetime: Duration
  ) async throws(SessionError) -> StoredSnapshot {
    let database = try await pool.acquire()
    do throws(SessionError) {
      let sequence = try await readers.read { (_) throws(SessionError) in
        try storing { () throws(StorageFailure) in
          try database.statement("BEGIN").run()
          return try database.integer("SELECT sequence FROM totals WHERE id = 1") ?? 0
        }
      }
      let snapshot = StoredSnapshot(database, sequence: sequence, filter: filter, readers: readers, pool: pool)
      snapshot.expire(after: lifetime)
      return snapshot
    } catch {
      pool.release(nil)
      throw error
    }
  }

  private init(_ database: Database, sequence: Int64, filter: EventFilter, readers: ReaderPool, pool: SnapshotPool) {
    self.sequence = sequence
    self.filter = filter
    self.ids = filter.sessionIDs.sorted()
    self.readers = readers
    self.pool = pool
    phase = Mutex(.open(database, after: nil))
    expiry = Mutex(nil)
  }

  deinit {
    expiry.withLock { $0?.cancel() }
    end(.closed)
  }

  func next() async throws(SessionError) -> [Session]? {
    let result: Result<[Session]?, SessionError> = try await readers.read { (_) throws(SessionError) in
      self.phase.withLock { self.read(&$0) }
    }
    return try result.get()
  }

  func close() async {
    expiry.withLock { $0?.cancel() }
    end(.closed)
  }

  /// Runs on a reader's thread.
  private func read(_ phase: inout Phase) -> Result<[Session]?, SessionError> {
    switch phase {
    case .open(let database, let last):
      do throws(StorageFailure) {
        let sessions = try database.sessions(page(after: last), bytesMax: PageSize.bytesMax).sessions
        if let newest = sessions.last?.id {
          phase = .open(database, after: newest)
          return .success(sessions)
        }
        phase = .ended
        give(back: database)
        return .success(nil)
      } catch {
        phase = .closed
        pool.release(nil)
        return .failure(.storage(error))
      }
    case .ended: return .success(nil)
    case .expired: return .failure(.snapshotExpired)
    case .closed: return .failure(.closed)
    }
  }

  private func page(after last: SessionID?) -> SQLFragment {
    var tests: SQLFragment = "id > \(.text(last?.description ?? ""))"
    if !filter.types.isEmpty {
      let types = filter.types.map { Int64($0.rawValue) }.sorted()
      // The sign keeps SQLite from the index of types, which would have to be sorted.
      tests.append(" AND +type IN (\(types.map { "\(.integer($0))" as SQLFragment }.joined(separator: ", ")))")
    }
    if !ids.isEmpty {
      let list = JSONValue.array(ids.map { .string($0.description) }).compactText
      tests.append(" AND id IN (SELECT value FROM json_each(\(.text(list))))")
    }
    return """
      SELECT \(SessionRow.selection) FROM sessions WHERE \(tests) ORDER BY id \
      LIMIT \(.integer(Int64(Self.pageSize)))
      """
  }

  private func expire(after lifetime: Duration) {
    let task = Task { [weak self] in
      do {
        try await Task.sleep(for: lifetime)
      } catch {
        return
      }
      self?.end(.expired)
    }
    expiry.withLock { $0 = task }
  }

  private func end(_ newPhase: Phase) {
    phase.withLock { phase in
      guard case .open(let database, _) = phase else { return }
      phase = newPhase
      give(back: database)
    }
  }

  private func give(back database: Database) {
    do throws(StorageFailure) {
      try database.statement("ROLLBACK").run()
      pool.release(database)
    } catch {
      // The connection goes, and its transaction with it.
      pool.release(nil)
    }
  }
}
