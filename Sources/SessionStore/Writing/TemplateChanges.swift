import SessionDomain

/// The changes of templates, and what is made from them.
extension Writer {
  func createTemplate(_ new: NewTemplate) throws(SessionError) -> Template {
    guard try storing({ () throws(StorageFailure) in try TemplateLookup.find(new.name, in: database) }) == nil else {
      throw .templateExists(name: new.name)
    }
    let template = new.template(at: nextTime())
    try storing { () throws(StorageFailure) in
      let statement = try database.statement(
        "INSERT INTO templates (\(TemplateRow.columns)) VALUES (?, ?, ?, ?, ?, ?, ?)")
      TemplateRow.bind(template, metadataText: new.metadataText, to: statement)
      try statement.run()
    }
    return template
  }

  func deleteTemplate(_ name: String) throws(SessionError) {
    let wasThere = try storing { () throws(StorageFailure) in
      let statement = try database.statement("DELETE FROM templates WHERE name = ? RETURNING 1")
      defer { statement.reset() }
      statement.bind(name)
      return try statement.step()
    }
    guard wasThere else { throw .templateNotFound(name: name) }
  }

  func instantiate(_ instantiation: Instantiation, request: RequestKey?) throws(SessionError) -> Session {
    // A repeat counts before the template, which may be gone by now, or another one.
    if let request, let session = try sessionOfEarlier(request) { return session }
    let checked = try instantiation.check(in: database)
    guard checked.violations.isEmpty else { throw .invalidArgument(checked.violations) }
    guard let new = checked.value else { throw .templateNotFound(name: instantiation.templateName) }
    return try create(new, request: request)
  }
}

extension Instantiation {
  /// Checks everything, what only the file can tell included: the template, and whether there is a parent.
  func check(in database: Database) throws(SessionError) -> Checked<NewSession> {
    try storing { () throws(StorageFailure) in
      let checked = check(over: try TemplateLookup.find(templateName, in: database))
      guard let parentID = checked.parentID, try !SessionLookup.exists(parentID, in: database) else { return checked }
      return checked.adding(ParentRule.missing(at: "parent_id"))
    }
  }
}
