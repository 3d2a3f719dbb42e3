import SessionDomain

/// Sessions and their history in one SQLite file.
///
/// One thread writes and some read; callers only ever wait for an answer. Close it before letting go of it.
public final class SQLiteSessionRepository: SessionRepository {
  let settings: SessionStoreSettings
  let readers: ReaderPool
  let committer: Committer
  let queues: any MessageQueues
  let clock: any WallClock
  let notes = BusNotes()
  let activityTimes = ActivityTimes()
  let monotonicClock: any MonotonicClock
  let metadataIndexes: MetadataIndexes
  let searchMemory: SearchMemory
  let meters: Meters
  private let snapshots: SnapshotPool
  private let lock: FileLock

  /// Opens the file, or makes it, and brings its schema up to date. Blocks for the time that takes.
  ///
  /// The observer is told how things stand before the first change is made. `report` is told
  /// what an operator may want to know, meanwhile and later, and must not call the store.
  public convenience init(
    settings: SessionStoreSettings, clock: any WallClock, monotonicClock: any MonotonicClock = ContinuousClock(),
    idGenerator: any IDGenerator, observer: any CommitObserver,
    report: @escaping @Sendable (StoreNotice) -> Void = { _ in }
  ) throws(StoreOpenError) {
    try self.init(
      settings: settings, clock: clock, monotonicClock: monotonicClock, idGenerator: idGenerator, observer: observer,
      queues: nil, report: report)
  }

  /// Opens the file; `queues` stand in for what the message bus holds, and `healthLook` for the look at sessions that may
  /// be given work, if there are any.
  init(
    settings: SessionStoreSettings, clock: any WallClock, monotonicClock: any MonotonicClock,
    idGenerator: any IDGenerator, observer: any CommitObserver, healthLook: (any HealthLook)? = nil,
    queues: (any MessageQueues)?, report: @escaping @Sendable (StoreNotice) -> Void = { _ in }
  ) throws(StoreOpenError) {
    var settings = settings
    settings.path = FileLock.resolved(settings.path)
    lock = try FileLock(beside: settings.path)
    self.settings = settings
    self.queues = queues ?? notes
    self.clock = clock
    self.monotonicClock = monotonicClock
    metadataIndexes = MetadataIndexes(settings.metadataIndexes)
    let database = try Migrator.open(path: settings.path, report: report)
    do throws(StorageFailure) {
      try MetadataIndexSchema(database: database).update(to: metadataIndexes, report: report)
    } catch {
      throw StoreOpenError(error, path: settings.path)
    }
    readers = try ReaderPool(settings: settings)
    snapshots = SnapshotPool(settings: settings)
    let writer: Writer
    do throws(StorageFailure) {
      searchMemory = try SearchMemory(database, bytesMax: settings.searchMemoryBytesMax, report: report)
      writer = try Writer(
        database: database, settings: settings, clock: clock, monotonicClock: monotonicClock, idGenerator: idGenerator,
        healthLook: healthLook, queues: self.queues, notes: notes, activityTimes: activityTimes,
        searchMemory: searchMemory)
    } catch {
      throw StoreOpenError(error, path: settings.path)
    }
    meters = writer.meters
    do throws(ThreadError) {
      committer = try Committer(writer, observer: observer)
    } catch {
      throw .noThread(errorNumber: error.errorNumber)
    }
    notes.tell { [weak committer] in committer?.wake() }
  }

  /// Creates a session; see `SessionRepository`.
  public func create(_ draft: SessionDraft, request: RequestKey?) async throws(SessionError) -> Session {
    let checked = draft.check()
    guard let new = checked.value, checked.violations.isEmpty, request?.violations().isEmpty ?? true else {
      throw try await refusal(checked.violations, parentID: checked.parentID, more: request?.violations() ?? [])
    }
    return try await committer.submit { (writer) throws(SessionError) in try writer.create(new, request: request) }
  }

  /// The session as it stands; see `SessionRepository`.
  public func session(_ id: SessionID) async throws(SessionError) -> Session {
    let session = try await readers.read { [activityTimes, meters] (database) throws(SessionError) in
      // Asked for before the row is read, which has it later.
      let time = Writer.latest(activityTimes[id], meters.lastReport(of: id)?.time)
      var session = try storing { () throws(StorageFailure) in try SessionLookup.find(id, in: database) }
      if let time, let row = session { session?.lastActivityTime = max(row.lastActivityTime, time) }
      return session
    }
    guard let session else { throw .notFound(id) }
    return session
  }

  /// Changes a session; see `SessionRepository`.
  public func update(
    _ id: SessionID, _ change: SessionChange, expectedRevision: Int64?
  ) async throws(SessionError) -> Session {
    let checked = change.check()
    guard let edit = checked.value, checked.violations.isEmpty else {
      throw try await refusal(checked.violations, parentID: checked.parentID, over: id)
    }
    return try await committer.submit { (writer) throws(SessionError) in
      try writer.update(id, edit, expectedRevision: expectedRevision)
    }
  }

  /// Removes a session; see `SessionRepository`.
  public func delete(
    _ id: SessionID, force: Bool, allowMissing: Bool, expectedRevision: Int64?
  ) async throws(SessionError) -> Bool {
    try await committer.submit { (writer) throws(SessionError) in
      try writer.delete(id, force: force, allowMissing: allowMissing, expectedRevision: expectedRevision)
    }
  }

  /// A page of sessions; see `SessionRepository`.
  public func list(_ query: SessionQuery) async throws(SessionError) -> SessionPage {
    let list = try SessionList(query, indexes: metadataIndexes)
    try await keepActivity()
    return try await readers.readAtOnce { (database) throws(SessionError) in
      try list.run(database)
    }
  }

  /// Sessions by a piece of their texts; see `SessionRepository`.
  public func search(_ text: String, limit: Int) async throws(SessionError) -> [Session] {
    let search = try SessionSearch(text, limit: limit)
    try await keepActivity()
    return try await readers.readAtOnce { (database) throws(SessionError) in
      try search.run(database, self.searchMemory)
    }
  }

  /// A page of history; see `SessionRepository`.
  public func events(
    _ position: EventPosition, _ filter: EventFilter, limit: Int
  ) async throws(SessionError) -> EventPage {
    let history = EventHistory(position: position, filter: filter, limit: limit)
    return try await readers.readAtOnce { (database) throws(SessionError) in try history.run(database) }
  }

  /// The oldest event kept and the newest; see `SessionRepository`.
  public func sequences() async throws(SessionError) -> (oldest: Int64, newest: Int64) {
    try await readers.readAtOnce { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in try EventHistory.bounds(database) }
    }
  }

  /// All sessions at one sequence; see `SessionRepository`.
  public func openSnapshot(_ filter: EventFilter) async throws(SessionError) -> any SessionSnapshot {
    try await keepActivity()
    return try await StoredSnapshot.open(
      filter, readers: readers, pool: snapshots, lifetime: settings.snapshotLifetime)
  }

  /// Finishes what was begun, closes the file and gives up the lock.
  public func close() async {
    await committer.close()
    await readers.close()
    snapshots.close()
    lock.release()
  }

  /// Has the file tell when sessions were active, as far as it does not yet.
  private func keepActivity() async throws(SessionError) {
    if meters.waiting.count > 0 { try await keepReports() }
    guard !activityTimes.isEmpty else { return }
    // Those of now, lest the file never catches up; in pieces, so that no change waits long.
    var ids = activityTimes.ids[...]
    while !ids.isEmpty {
      let piece = ids.prefix(Writer.keptActivityMax(settings))
      try await committer.submit { (writer) throws(SessionError) in
        try storing { () throws(StorageFailure) in try writer.keepActivity(of: piece) }
      }
      ids = ids.dropFirst(piece.count)
    }
  }

  /// Every violation at once, among them that of a parent over a session, nil for a new one, which only the file can
  /// tell.
  func refusal(
    _ violations: [FieldViolation], parentID: SessionID?, over id: SessionID? = nil, more: [FieldViolation] = []
  ) async throws(SessionError) -> SessionError {
    var all = violations
    if let parentID {
      let violation = try await readers.readAtOnce { (database) throws(SessionError) in
        try storing { () throws(StorageFailure) in try ParentRule.violation(of: parentID, over: id, in: database) }
      }
      if let violation { all.append(violation) }
    }
    return .invalidArgument(all + more)
  }
}
