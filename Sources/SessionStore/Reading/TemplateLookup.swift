import SessionDomain

/// Reads single templates on any connection.
enum TemplateLookup {
  static func find(_ name: String, in database: Database) throws(StorageFailure) -> Template? {
    let statement = try database.statement("SELECT \(TemplateRow.columns) FROM templates WHERE name = ?")
    defer { statement.reset() }
    statement.bind(name)
    guard try statement.step() else { return nil }
    var row = statement.row
    return try TemplateRow.read(&row)
  }
}
