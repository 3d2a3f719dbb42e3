/// The input of a template's creation, as it came.
public struct TemplateDraft: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The role; nil when the request named none, or one that does not exist.
  public var type: SessionType?
  /// The members of the metadata object.
  public var metadata: [String: JSONValue]
  /// What sessions can do.
  public var capabilities: [String]
  /// The sessions' limits.
  public var constraints: [String]
  /// Environment variables.
  public var environment: [String: String]

  /// Makes a draft; what is not named is empty.
  public init(
    name: String, type: SessionType?, metadata: [String: JSONValue] = [:], capabilities: [String] = [],
    constraints: [String] = [], environment: [String: String] = [:]
  ) {
    self.name = name
    self.type = type
    self.metadata = metadata
    self.capabilities = capabilities
    self.constraints = constraints
    self.environment = environment
  }

  /// The draft made whole, and everything that is wrong with it, in the order of the fields.
  ///
  /// What its sessions would take from its metadata is checked here, so that a template that was made can be used.
  public func check() -> Checked<NewTemplate> {
    var checker = FieldChecker(prefix: "template.")
    checker.check(templateName: name)
    if type == nil { checker.refuse("template.type", "a type is one of DIRECTOR, DEPARTMENT, OBSERVER and ACTIVE") }
    let metadata = metadata.filter { $0.value != .null }
    checker.check(metadata: metadata)
    let metadataText = checker.compactText(ofMetadata: metadata)
    let prefix = checker.prefix
    checker.check(
      capabilities: ListedEntries(.capabilities, ofTemplate: capabilities, metadata: metadata, pathPrefix: prefix))
    checker.check(
      constraints: ListedEntries(.constraints, ofTemplate: constraints, metadata: metadata, pathPrefix: prefix))
    checker.check(environment: environment)

    let template = type.map { type in
      NewTemplate(
        name: name, type: type, metadata: metadata, metadataText: metadataText, capabilities: capabilities,
        constraints: constraints, environment: environment)
    }
    return Checked(value: template, parentID: nil, violations: checker.violations)
  }
}

/// The contents of a template to create, all within their limits. Made by `TemplateDraft.check()`.
public struct NewTemplate: Hashable, Sendable {
  /// The name, which may be taken.
  public let name: String
  /// The role.
  public let type: SessionType
  /// The metadata, without nulls at the top.
  public let metadata: [String: JSONValue]
  /// The metadata as compact JSON.
  public let metadataText: String
  /// What sessions can do.
  public let capabilities: [String]
  /// The sessions' limits.
  public let constraints: [String]
  /// Environment variables.
  public let environment: [String: String]

  /// The template that this becomes at `time`.
  public func template(at time: Timestamp) -> Template {
    var template = Template(name: name, type: type, createTime: time)
    template.metadata = metadata
    template.capabilities = capabilities
    template.constraints = constraints
    template.environment = environment
    return template
  }
}
