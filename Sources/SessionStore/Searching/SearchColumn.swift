import SessionDomain

/// What searches look into, of all sessions, in memory: no index of SQLite finds pieces of texts, and reading all rows
/// takes a microsecond and more for each.
///
/// A value: a copy stays as it is while the original goes on with the commits, and shares with it what did not change.
struct SearchColumn {
  /// In the order of ids; none is empty.
  private(set) var chunks: [SearchChunk] = []
  /// What it takes of memory.
  private(set) var bytes = 0

  var count: Int { chunks.reduce(0) { $0 + $1.count } }

  /// Reads all sessions; nil when they take more than `bytesMax`.
  static func read(_ database: Database, bytesMax: Int) throws(StorageFailure) -> SearchColumn? {
    var column = SearchColumn()
    let statement = try database.statement(
      "SELECT id, type, name, workspace, last_activity_time FROM sessions ORDER BY id")
    defer { statement.reset() }
    while try statement.step() {
      var row = statement.row
      let id = row.withOptionalText { $0.flatMap { SessionID(utf8: $0) } }
      let type = SessionType(rawValue: Int32(clamping: row.integer()))
      guard let id, let type else { throw SessionRow.damaged }
      var texts: [UInt8] = []
      row.withOptionalText { name in SearchChunk.append(name, to: &texts) }
      row.withOptionalText { workspace in SearchChunk.append(workspace, to: &texts) }
      column.put(id, type, texts: texts, activity: Timestamp(microseconds: row.integer()))
      guard column.bytes <= bytesMax else { return nil }
    }
    return column
  }

  /// Takes a session as it is now.
  mutating func put(_ session: Session) {
    var (name, workspace) = (session.name, session.workspace)
    var texts: [UInt8] = []
    name.withUTF8 { SearchChunk.append($0, to: &texts) }
    workspace.withUTF8 { SearchChunk.append($0, to: &texts) }
    put(session.id, session.type, texts: texts, activity: session.lastActivityTime)
  }

  /// Whether two have the same sessions, wherever their chunks begin.
  func holdsSame(as other: SearchColumn) -> Bool {
    chunks.lazy.flatMap(\.contents).elementsEqual(other.chunks.lazy.flatMap(\.contents))
  }

  /// Takes a session's activity, if it is here and the activity is its latest.
  mutating func noteActivity(of id: SessionID, at time: Timestamp) {
    guard let (number, index) = place(of: id) else { return }
    change(number) { $0.noteActivity(time, at: index) }
  }

  mutating func remove(_ id: SessionID) {
    guard let (number, index) = place(of: id) else { return }
    change(number) { $0.remove(at: index) }
    if chunks[number].isSmall { merge(number) }
  }

  private mutating func put(_ id: SessionID, _ type: SessionType, texts: [UInt8], activity: Timestamp) {
    var number = chunk(of: id)
    if number == chunks.count { chunks.append(SearchChunk()) }
    var index = chunks[number].index(notBefore: id)
    if index < chunks[number].count, chunks[number].id(at: index) == id {
      change(number) { $0.update(texts: texts, activity: activity, at: index) }
      return
    }
    if chunks[number].count == SearchChunk.sessionsMax {
      // New ids are the greatest, and begin a chunk of their own.
      let isAppended = index == chunks[number].count
      let upper = change(number) { chunk in
        let upper = isAppended ? SearchChunk() : chunk.split()
        chunk.trim()
        return upper
      }
      bytes += upper.bytes
      chunks.insert(upper, at: number + 1)
      if index >= chunks[number].count {
        index -= chunks[number].count
        number += 1
      }
    }
    change(number) { $0.insert(id, type, texts: texts, activity: activity, at: index) }
  }

  /// Puts a chunk and one beside it together, if one has room for both; one that is empty goes.
  private mutating func merge(_ number: Int) {
    guard chunks[number].count > 0 else {
      bytes -= chunks[number].bytes
      chunks.remove(at: number)
      return
    }
    let lowers = [number - 1, number].filter { $0 >= 0 && $0 + 1 < chunks.count }
    guard let lower = lowers.first(where: { chunks[$0].count + chunks[$0 + 1].count <= SearchChunk.sessionsMax })
    else { return }
    let upper = chunks.remove(at: lower + 1)
    bytes -= upper.bytes
    change(lower) { $0.append(upper) }
  }

  /// Changes a chunk, and counts what it takes then.
  private mutating func change<Result>(_ number: Int, _ body: (inout SearchChunk) -> Result) -> Result {
    bytes -= chunks[number].bytes
    defer { bytes += chunks[number].bytes }
    return body(&chunks[number])
  }

  private func place(of id: SessionID) -> (chunk: Int, index: Int)? {
    let number = chunk(of: id)
    guard number < chunks.count else { return nil }
    let index = chunks[number].index(notBefore: id)
    return index < chunks[number].count && chunks[number].id(at: index) == id ? (number, index) : nil
  }

  /// The chunk where an id is, or where it would go.
  private func chunk(of id: SessionID) -> Int {
    var (low, high) = (0, chunks.count)
    while low < high {
      let middle = (low + high) / 2
      if chunks[middle].id(at: 0) <= id { low = middle + 1 } else { high = middle }
    }
    return max(0, low - 1)
  }
}

// MARK: Finding

extension SearchColumn {
  private struct Match {
    let activity: Timestamp
    let id: SessionID
  }

  /// The sessions that match, the latest activity first, then by id; at most `limit`. `look` is had after each chunk,
  /// and may end the search.
  func latest(
    _ limit: Int, matching sought: SoughtText, look: () throws(StorageFailure) -> Void = {}
  ) throws(StorageFailure) -> [SessionID] {
    var found: [Match] = []
    // The first chunks most likely have the latest sessions, after which the others need no look.
    for chunk in chunks.sorted(by: { $0.latest > $1.latest }) {
      // With enough found, nothing that is older than the last of them.
      let oldest = found.count == limit ? found.last?.activity : nil
      if let oldest, oldest > chunk.latest { break }
      let before = found.count
      chunk.matches(sought) { index in
        let activity = chunk.activity(at: index)
        if let oldest, activity < oldest { return }
        found.append(Match(activity: activity, id: chunk.id(at: index)))
      }
      try look()
      guard found.count > before else { continue }
      found.sort { $0.activity == $1.activity ? $0.id < $1.id : $0.activity > $1.activity }
      if found.count > limit { found.removeLast(found.count - limit) }
    }
    return found.map(\.id)
  }
}
