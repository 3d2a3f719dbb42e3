public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.TemplateService` over a repository.
public struct TemplateHandler: TemplateService {
  private let repository: any TemplateRepository

  /// Serves the templates of `repository`.
  public init(repository: any TemplateRepository) {
    self.repository = repository
  }

  /// Creates a template.
  public func createTemplate(
    _ request: CreateTemplateRequest, context: ServerContext
  ) async throws -> ServerResponse<CreateTemplateResponse> {
    guard let input = request.template else { throw RPCError([.required("template")]) }
    var violations: [FieldViolation] = []
    let draft = TemplateDraft(input, &violations)
    guard violations.isEmpty else { throw RPCError(draft.check().violations + violations) }
    let template = try await answering { try await repository.createTemplate(draft) }
    return try ServerResponse(.with { $0.template = .init(template) })
  }

  /// The template of a name.
  public func getTemplate(
    _ request: GetTemplateRequest, context: ServerContext
  ) async throws -> ServerResponse<GetTemplateResponse> {
    try checkName(request.name)
    let template = try await answering { try await repository.template(request.name) }
    return try ServerResponse(.with { $0.template = .init(template) })
  }

  /// A page of the templates, by name.
  public func listTemplates(
    _ request: ListTemplatesRequest, context: ServerContext
  ) async throws -> ServerResponse<ListTemplatesResponse> {
    let page = try await answering {
      try await repository.templates(pageSize: Int(request.pageSize), pageToken: request.pageToken)
    }
    return try ServerResponse(
      .with {
        $0.templates = page.templates.map { .init($0) }
        $0.nextPageToken = page.nextPageToken
      })
  }

  /// Removes a template.
  public func deleteTemplate(
    _ request: DeleteTemplateRequest, context: ServerContext
  ) async throws -> ServerResponse<DeleteTemplateResponse> {
    try checkName(request.name)
    try await answering { try await repository.deleteTemplate(request.name) }
    return try ServerResponse(DeleteTemplateResponse())
  }

  /// Creates a session from a template.
  public func instantiateTemplate(
    _ request: InstantiateTemplateRequest, context: ServerContext
  ) async throws -> ServerResponse<InstantiateTemplateResponse> {
    let instantiation = Instantiation(request)
    let key =
      request.requestID.isEmpty
      ? nil
      : RequestKey(
        method: "InstantiateTemplate", requestID: request.requestID, bodyDigest: instantiation.digest)
    let session = try await answering { try await repository.instantiate(instantiation, request: key) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  private func checkName(_ name: String) throws {
    if name.isEmpty { throw RPCError([.required("name")]) }
  }
}
