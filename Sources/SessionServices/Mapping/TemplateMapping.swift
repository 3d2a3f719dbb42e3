import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

extension SessionAPI.Template {
  init(_ template: SessionDomain.Template) {
    self.init()
    name = template.name
    type = .init(rawValue: template.type.rawValue)
    metadata = template.metadata.isEmpty ? nil : Google_Protobuf_Struct(template.metadata)
    capabilities = template.capabilities
    constraints = template.constraints
    environment = template.environment
    createTime = .init(template.createTime)
  }
}

extension TemplateDraft {
  /// The input fields of a template on the wire, and a violation for each value of its metadata that is none.
  init(_ template: SessionAPI.Template, _ violations: inout [FieldViolation]) {
    self.init(
      name: template.name, type: SessionDomain.SessionType(rawValue: template.type.rawValue),
      metadata: template.metadata.members(at: "template.metadata", &violations), capabilities: template.capabilities,
      constraints: template.constraints, environment: template.environment)
  }
}

extension Instantiation {
  /// The input fields of a request, malformed where a value of its metadata is none.
  init(_ request: InstantiateTemplateRequest) {
    var violations: [FieldViolation] = []
    self.init(
      templateName: request.templateName, name: request.name, workspace: request.workspace,
      metadata: request.metadata.members(at: "metadata", &violations), capabilities: request.capabilities,
      constraints: request.constraints, environment: request.environment, parentID: request.parentID)
    malformed = violations
  }
}
