import SessionDomain

extension SQLiteSessionRepository: TemplateRepository {
  /// Creates a template; see `TemplateRepository`.
  public func createTemplate(_ draft: TemplateDraft) async throws(SessionError) -> Template {
    let checked = draft.check()
    guard let new = checked.value, checked.violations.isEmpty else { throw .invalidArgument(checked.violations) }
    return try await committer.submit { (writer) throws(SessionError) in try writer.createTemplate(new) }
  }

  /// The template of a name; see `TemplateRepository`.
  public func template(_ name: String) async throws(SessionError) -> Template {
    let template = try await readers.read { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in try TemplateLookup.find(name, in: database) }
    }
    guard let template else { throw .templateNotFound(name: name) }
    return template
  }

  /// A page of templates; see `TemplateRepository`.
  public func templates(pageSize: Int, pageToken: String) async throws(SessionError) -> TemplatePage {
    let list = try TemplateList(pageSize: pageSize, pageToken: pageToken)
    return try await readers.read { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in try list.run(database) }
    }
  }

  /// Removes a template; see `TemplateRepository`.
  public func deleteTemplate(_ name: String) async throws(SessionError) {
    try await committer.submit { (writer) throws(SessionError) in try writer.deleteTemplate(name) }
  }

  /// Creates a session from a template; see `TemplateRepository`.
  public func instantiate(_ instantiation: Instantiation, request: RequestKey?) async throws(SessionError) -> Session {
    let requestViolations = request?.violations() ?? []
    // What is wrong without a look at the template does not take the committer's time.
    if !requestViolations.isEmpty || !instantiation.check(over: nil).violations.isEmpty {
      let checked = try await readers.readAtOnce { (database) throws(SessionError) in
        try instantiation.check(in: database)
      }
      let violations = checked.violations + requestViolations
      guard violations.isEmpty else { throw .invalidArgument(violations) }
    }
    return try await committer.submit { (writer) throws(SessionError) in
      try writer.instantiate(instantiation, request: request)
    }
  }
}
