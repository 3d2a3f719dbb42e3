import GRDB

/// GRDB.swift in the cheapest way that its public interface has: prepared statements, arguments that it does not check,
/// rows that it does not copy, and all work of a sample in one visit to its queue.
struct GRDBLayer: Layer {
  let name: String
  /// As its documentation shows: `inTransaction`, `inSavepoint`, checked arguments, `fetchOne`.
  private let isAsDocumented: Bool
  private let queue: DatabaseQueue

  init(path: String, isAsDocumented: Bool) throws {
    name = isAsDocumented ? "GRDB, as documented" : "GRDB, cheapest"
    self.isAsDocumented = isAsDocumented
    var configuration = Configuration()
    configuration.journalMode = .wal
    // As the server sets its own.
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")
    }
    queue = try DatabaseQueue(path: path, configuration: configuration)
  }

  func write(_ rows: ArraySlice<SampleRow>, batch: Int) throws {
    try queue.writeWithoutTransaction { database in
      var rest = rows
      while !rest.isEmpty {
        if isAsDocumented {
          try writeAsDocumented(rest.prefix(batch), database)
        } else {
          try write(rest.prefix(batch), database)
        }
        rest = rest.dropFirst(batch)
      }
    }
  }

  private func write(_ rows: ArraySlice<SampleRow>, _ database: GRDB.Database) throws {
    let savepoint = try database.cachedStatement(sql: LoopSQL.savepoint)
    let release = try database.cachedStatement(sql: LoopSQL.release)
    let insertSession = try database.cachedStatement(sql: LoopSQL.insertSession)
    let insertEvent = try database.cachedStatement(sql: LoopSQL.insertEvent)
    try database.cachedStatement(sql: LoopSQL.begin).execute()
    for row in rows {
      try savepoint.execute()
      insertSession.setUncheckedArguments(row.sessionArguments)
      try insertSession.execute()
      insertEvent.setUncheckedArguments(row.eventArguments)
      try insertEvent.execute()
      try release.execute()
    }
    if let last = rows.last {
      let updateTotals = try database.cachedStatement(sql: LoopSQL.updateTotals)
      updateTotals.setUncheckedArguments([last.revision, last.createTime])
      try updateTotals.execute()
    }
    try database.cachedStatement(sql: LoopSQL.commit).execute()
  }

  private func writeAsDocumented(_ rows: ArraySlice<SampleRow>, _ database: GRDB.Database) throws {
    try database.inTransaction(.immediate) {
      let insertSession = try database.cachedStatement(sql: LoopSQL.insertSession)
      let insertEvent = try database.cachedStatement(sql: LoopSQL.insertEvent)
      for row in rows {
        try database.inSavepoint {
          try insertSession.execute(arguments: row.sessionArguments)
          try insertEvent.execute(arguments: row.eventArguments)
          return .commit
        }
      }
      if let last = rows.last {
        try database.execute(sql: LoopSQL.updateTotals, arguments: [last.revision, last.createTime])
      }
      return .commit
    }
  }

  func read(_ ids: [String]) throws -> Int64 {
    try queue.unsafeRead { database in
      try ids.reduce(0) { sum, id in
        let statement = try database.cachedStatement(sql: LoopSQL.readSession)
        if isAsDocumented {
          guard let row = try GRDB.Row.fetchOne(statement, arguments: [id]) else { throw MissingRow(id: id) }
          return sum + SampleRow(row).revision
        }
        statement.setUncheckedArguments([id])
        let cursor = try GRDB.Row.fetchCursor(statement)
        // The row is the cursor's, which resets the statement when it goes.
        return try withExtendedLifetime(cursor) {
          guard let row = try cursor.next() else { throw MissingRow(id: id) }
          return sum + SampleRow(row).revision
        }
      }
    }
  }
}

extension SampleRow {
  // Values without boxes: an array of `any DatabaseValueConvertible` would cost an allocation for each.
  fileprivate var sessionArguments: StatementArguments {
    var values: [DatabaseValue] = []
    values.reserveCapacity(26)
    values.append(id.databaseValue)
    values.append(type.databaseValue)
    values.append(status.databaseValue)
    values.append(name.databaseValue)
    values.append(workspace.databaseValue)
    values.append(metadata.databaseValue)
    values.append(capabilities.databaseValue)
    values.append(constraints.databaseValue)
    values.append(environment.databaseValue)
    for text in texts { values.append(text.map(\.databaseValue) ?? .null) }
    for resource in resources { values.append(resource.map(\.databaseValue) ?? .null) }
    values.append(registerMessageTypes.map(\.databaseValue) ?? .null)
    for value in registration { values.append(value.map(\.databaseValue) ?? .null) }
    values.append(createTime.databaseValue)
    values.append(updateTime.databaseValue)
    values.append(startTime.map(\.databaseValue) ?? .null)
    values.append(endTime.map(\.databaseValue) ?? .null)
    values.append(lastActivityTime.databaseValue)
    values.append(revision.databaseValue)
    return StatementArguments(values)
  }

  fileprivate var eventArguments: StatementArguments {
    var values: [DatabaseValue] = []
    values.reserveCapacity(13)
    values.append(revision.databaseValue)
    values.append(createTime.databaseValue)
    values.append(1.databaseValue)
    values.append(id.databaseValue)
    values.append(type.databaseValue)
    values.append(name.databaseValue)
    values.append(.null)
    values.append(status.databaseValue)
    for _ in 0..<5 { values.append(.null) }
    return StatementArguments(values)
  }

  fileprivate init(_ row: GRDB.Row) {
    self.init(
      id: row[0], type: row[1], status: row[2], name: row[3], workspace: row[4], metadata: row[5],
      capabilities: row[6], constraints: row[7], environment: row[8], texts: [row[9], row[10], row[11], row[12]],
      resources: [row[13], row[14], row[15]], registerMessageTypes: row[16],
      registration: [row[17], row[18], row[19]], createTime: row[20], updateTime: row[21], startTime: row[22],
      endTime: row[23], lastActivityTime: row[24], revision: row[25])
  }
}
