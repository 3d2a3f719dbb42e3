import SessionDomain

/// A template as a row of the table `templates`.
enum TemplateRow {
  /// The columns, in the order in which they are read and bound.
  static let selection: SQLFragment = """
    name, type, metadata, capabilities, constraints, environment, create_time
    """

  static let columns = selection.sql

  /// Binds every column. `metadataText` is the metadata as compact JSON.
  static func bind(_ template: Template, metadataText: String, to statement: Statement) {
    statement.bind(template.name)
    statement.bind(Int64(template.type.rawValue))
    statement.bind(metadataText)
    statement.bind(JSONText.encode(template.capabilities))
    statement.bind(JSONText.encode(template.constraints))
    statement.bind(JSONText.encode(template.environment))
    statement.bind(template.createTime)
  }

  static func read(_ row: inout Row) throws(StorageFailure) -> Template {
    let name = row.text()
    guard let type = SessionType(rawValue: Int32(clamping: row.integer())) else { throw SessionRow.damaged }
    var template = Template(name: name, type: type, createTime: Timestamp(microseconds: 0))
    template.metadata = try JSONText.object(&row)
    template.capabilities = try JSONText.strings(&row) ?? []
    template.constraints = try JSONText.strings(&row) ?? []
    template.environment = try JSONText.texts(&row)
    template.createTime = Timestamp(microseconds: row.integer())
    return template
  }
}
