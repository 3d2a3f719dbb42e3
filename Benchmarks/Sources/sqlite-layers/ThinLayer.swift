import SessionDomain

/// The server's own wrapper over SQLite's C interface.
struct ThinLayer: Layer {
  let name = "own wrapper"
  private let database: Database
  private let begin: Statement
  private let commit: Statement
  private let savepoint: Statement
  private let release: Statement
  private let insertSession: Statement
  private let insertEvent: Statement
  private let updateTotals: Statement

  init(_ database: Database) throws {
    self.database = database
    begin = try database.prepare(LoopSQL.begin)
    commit = try database.prepare(LoopSQL.commit)
    savepoint = try database.prepare(LoopSQL.savepoint)
    release = try database.prepare(LoopSQL.release)
    insertSession = try database.prepare(LoopSQL.insertSession)
    insertEvent = try database.prepare(LoopSQL.insertEvent)
    updateTotals = try database.prepare(LoopSQL.updateTotals)
  }

  func write(_ rows: ArraySlice<SampleRow>, batch: Int) throws {
    var rest = rows
    while let last = rest.prefix(batch).last {
      try begin.run()
      for row in rest.prefix(batch) {
        try savepoint.run()
        bindSession(row)
        try insertSession.run()
        bindEvent(row)
        try insertEvent.run()
        try release.run()
      }
      updateTotals.bind(last.revision)
      updateTotals.bind(last.createTime)
      try updateTotals.run()
      try commit.run()
      rest = rest.dropFirst(batch)
    }
  }

  func read(_ ids: [String]) throws -> Int64 {
    var sum: Int64 = 0
    for id in ids {
      let statement = try database.statement(LoopSQL.readSession)
      defer { statement.reset() }
      statement.bind(id)
      guard try statement.step() else { throw MissingRow(id: id) }
      var row = statement.row
      sum += SampleRow(&row).revision
    }
    return sum
  }

  private func bindSession(_ row: SampleRow) {
    insertSession.bind(row.id)
    insertSession.bind(row.type)
    insertSession.bind(row.status)
    insertSession.bind(row.name)
    insertSession.bind(row.workspace)
    insertSession.bind(row.metadata)
    insertSession.bind(row.capabilities)
    insertSession.bind(row.constraints)
    insertSession.bind(row.environment)
    for text in row.texts { insertSession.bind(text) }
    for resource in row.resources { insertSession.bind(resource) }
    insertSession.bind(row.registerMessageTypes)
    for value in row.registration { insertSession.bind(value) }
    insertSession.bind(row.createTime)
    insertSession.bind(row.updateTime)
    insertSession.bind(row.startTime)
    insertSession.bind(row.endTime)
    insertSession.bind(row.lastActivityTime)
    insertSession.bind(row.revision)
  }

  private func bindEvent(_ row: SampleRow) {
    insertEvent.bind(row.revision)
    insertEvent.bind(row.createTime)
    insertEvent.bind(Int64(1))
    insertEvent.bind(row.id)
    insertEvent.bind(row.type)
    insertEvent.bind(row.name)
    insertEvent.bindNull()
    insertEvent.bind(row.status)
    for _ in 0..<5 { insertEvent.bindNull() }
  }
}

/// A row that was written is not there.
struct MissingRow: Error {
  let id: String
}

extension SampleRow {
  fileprivate init(_ row: inout Row) {
    self.init(
      id: row.text(), type: row.integer(), status: row.integer(), name: row.text(), workspace: row.text(),
      metadata: row.text(), capabilities: row.text(), constraints: row.text(), environment: row.text(),
      texts: [row.optionalText(), row.optionalText(), row.optionalText(), row.optionalText()],
      resources: [row.optionalInteger(), row.optionalInteger(), row.optionalInteger()],
      registerMessageTypes: row.optionalText(),
      registration: [row.optionalInteger(), row.optionalInteger(), row.optionalInteger()],
      createTime: row.integer(), updateTime: row.integer(), startTime: row.optionalInteger(),
      endTime: row.optionalInteger(), lastActivityTime: row.integer(), revision: row.integer())
  }
}
