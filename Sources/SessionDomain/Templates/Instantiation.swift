/// The input of a session's creation from a template, as it came.
public struct Instantiation: Hashable, Sendable {
  /// The template's name.
  public var templateName: String
  /// The session's name.
  public var name: String
  /// The absolute path to work in.
  public var workspace: String
  /// Merged over the template's metadata, at every depth; a null removes its key.
  public var metadata: [String: JSONValue]
  /// Instead of the template's, where not empty.
  public var capabilities: [String]
  /// Instead of the template's, where not empty.
  public var constraints: [String]
  /// Merged over the template's.
  public var environment: [String: String]
  /// The parent's id as it came; empty for none.
  public var parentID: String
  /// What was wrong with the request already as it was read.
  public var malformed: [FieldViolation] = []

  /// Makes an instantiation; what is not named is empty.
  public init(
    templateName: String, name: String, workspace: String, metadata: [String: JSONValue] = [:],
    capabilities: [String] = [], constraints: [String] = [], environment: [String: String] = [:], parentID: String = ""
  ) {
    self.templateName = templateName
    self.name = name
    self.workspace = workspace
    self.metadata = metadata
    self.capabilities = capabilities
    self.constraints = constraints
    self.environment = environment
    self.parentID = parentID
  }

  /// The session that this makes of `template`, and everything that is wrong with it, in the order of the fields.
  ///
  /// Without a template, what can be told without one, and no session. Whether the parent exists is the repository's
  /// to say.
  public func check(over template: Template?) -> Checked<NewSession> {
    var checker = FieldChecker(prefix: "")
    if templateName.isEmpty { checker.refuse("template_name", "the name of a template is required") }
    checker.check(name: name)
    checker.check(workspace: workspace)

    checker.check(metadata: self.metadata)
    let metadata = JSONValue.merge(FieldChecker.shallow(self.metadata), over: template?.metadata ?? [:])
    let metadataText = checker.compactText(ofMetadata: metadata)

    let listed = ListedEntries(.capabilities, capabilities, orOf: template?.capabilities, metadata: metadata)
    checker.check(capabilities: listed)
    let limits = ListedEntries(.constraints, constraints, orOf: template?.constraints, metadata: metadata)
    checker.check(constraints: limits)
    let environment = (template?.environment ?? [:]).merging(environment) { $1 }
    checker.check(environment: environment)
    let parent = checker.check(parentID: parentID)

    let session = template.map { template in
      NewSession(
        type: template.type, name: name, workspace: workspace, metadata: metadata, metadataText: metadataText,
        capabilities: listed.texts, constraints: limits.texts, environment: environment, parentID: parent,
        templateName: template.name)
    }
    return Checked(value: session, parentID: parent, violations: checker.violations + malformed)
  }
}

extension ListedEntries {
  /// The overrides, or without any what the template gives. Of no template nothing is known.
  fileprivate init(
    _ list: TemplateList, _ overrides: [String], orOf template: [String]?, metadata: [String: JSONValue]
  ) {
    if overrides.isEmpty, let template {
      self.init(list, ofTemplate: template, metadata: metadata, pathPrefix: "")
    } else {
      self.init(overrides, path: list.key)
    }
  }
}
