/// The templates of sessions. As with sessions, every call that returns has happened for good, and every call that
/// throws changed nothing; any call may throw `storage`, `overloaded` and `closed`.
public protocol TemplateRepository: Sendable {
  /// Creates a template. Throws `invalidArgument`, then `templateExists`.
  func createTemplate(_ draft: TemplateDraft) async throws(SessionError) -> Template

  /// The template of this name. Throws `templateNotFound`.
  func template(_ name: String) async throws(SessionError) -> Template

  /// A page of the templates, by name.
  ///
  /// At most `pageSize`: 0 means 50, more than 1000 means 1000. `pageToken` is that of the page before, and empty for
  /// the first one. Throws `invalidArgument`, `pageTokenInvalid`.
  func templates(pageSize: Int, pageToken: String) async throws(SessionError) -> TemplatePage

  /// Removes a template; the sessions that were made from it keep what they have. Throws `templateNotFound`.
  func deleteTemplate(_ name: String) async throws(SessionError)

  /// Creates a session in `initializing` from a template.
  ///
  /// A repeat of `request` returns the first call's session, as with `SessionRepository.create`, also when the template
  /// is gone. Throws `invalidArgument`, `templateNotFound`, and as `create` does.
  func instantiate(_ instantiation: Instantiation, request: RequestKey?) async throws(SessionError) -> Session
}

/// A page of templates.
public struct TemplatePage: Sendable {
  /// The templates, by name.
  public var templates: [Template]
  /// The token of the next page; empty on the last.
  public var nextPageToken: String

  /// Makes a page.
  public init(templates: [Template], nextPageToken: String) {
    self.templates = templates
    self.nextPageToken = nextPageToken
  }
}
