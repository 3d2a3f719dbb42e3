import ProtobufWellKnownTypes
import SessionAPI

/// TemplateService.
extension SessionModel {
  mutating func createTemplate(_ request: CreateTemplateRequest) throws(ModelRefusal) -> Answer {
    guard var template = request.template else { throw .invalid("template") }
    var fields = ModelFields(prefix: "template.")
    let isName = template.name.unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("0"..."9").contains($0) || "-_.".unicodeScalars.contains($0)
    }
    fields.refuse("name", if: !isName || !(1...128).contains(template.name.utf8.count))
    fields.check(type: template.type)
    let metadata = fields.check(metadata: template.metadata)
    let (capabilities, constraints) = lists(of: template, metadata)
    fields.check(list: capabilities, at: "capabilities")
    fields.check(constraints: constraints, at: "constraints")
    fields.check(environment: template.environment)
    try fields.refuseAll()
    guard templates[template.name] == nil else {
      throw ModelRefusal(
        code: .alreadyExists, reason: "TEMPLATE_EXISTS", metadata: ["template_name": template.name])
    }
    template.metadata = metadata.isEmpty ? nil : .with { $0.fields = metadata }
    template.createTime = time
    templates[template.name] = template
    return .template(template)
  }

  func getTemplate(_ name: String) throws(ModelRefusal) -> Template {
    if name.isEmpty { throw .invalid("name") }
    guard let template = templates[name] else {
      throw ModelRefusal(code: .notFound, reason: "TEMPLATE_NOT_FOUND", metadata: ["template_name": name])
    }
    return template
  }

  mutating func deleteTemplate(_ name: String) throws(ModelRefusal) -> Answer {
    _ = try getTemplate(name)
    templates[name] = nil
    return .nothing
  }

  var templatesByName: [Template] { templates.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } }

  /// What sessions get of a template, with their metadata: its own entries, then the standard ones, and without any of
  /// them what every session takes from its metadata.
  private func lists(
    of template: Template, _ metadata: [String: Google_Protobuf_Value]
  ) -> (capabilities: [(text: String, path: String)], constraints: [(text: String, path: String)]) {
    func list(_ own: [String], _ key: String, _ standardKey: String) -> [(text: String, path: String)] {
      var list = Self.own(own, key)
      for (text, path) in Self.own(metadata[standardKey]?.strings ?? [], "metadata.\(standardKey)")
      where !own.contains(text) {
        // A text that is listed twice is taken once.
        if !list.contains(where: { $0.text == text }) { list.append((text, path)) }
      }
      return list.isEmpty ? Self.own(metadata[key]?.strings ?? [], "metadata.\(key)") : list
    }
    return (
      list(template.capabilities, "capabilities", "standardCapabilities"),
      list(template.constraints, "constraints", "standardConstraints")
    )
  }

  mutating func instantiate(_ request: InstantiateTemplateRequest) throws(ModelRefusal) -> Answer {
    let template = templates[request.templateName]
    var fields = ModelFields(prefix: "")
    fields.refuse("template_name", if: request.templateName.isEmpty)
    fields.check(name: request.name)
    fields.check(workspace: request.workspace)
    for (key, value) in request.metadata?.fields ?? [:] {
      fields.check(value, at: "metadata.\(key)", key: key, depth: 2)
    }
    let metadata = Self.merge(request.metadata?.fields ?? [:], over: template?.metadata?.fields ?? [:])
    fields.refuse("metadata", if: ModelFields.isTooLarge(metadata))
    let standard = lists(of: template ?? Template(), template == nil ? [:] : metadata)
    let own = (
      capabilities: Self.own(request.capabilities, "capabilities"),
      constraints: Self.own(request.constraints, "constraints")
    )
    let capabilities = own.capabilities.isEmpty ? standard.capabilities : own.capabilities
    let constraints = own.constraints.isEmpty ? standard.constraints : own.constraints
    fields.check(list: capabilities, at: "capabilities")
    fields.check(constraints: constraints, at: "constraints")
    let environment = (template?.environment ?? [:]).merging(request.environment) { $1 }
    fields.check(environment: environment)
    fields.check(requestID: request.requestID)
    var body = request
    body.requestID = ""
    if body.metadata?.fields.isEmpty ?? true { body.metadata = nil }
    return .session(
      try createOnce("InstantiateTemplate", request.requestID, body, fields, parent: request.parentID) {
        (model) throws(ModelRefusal) in
        guard let template else {
          throw ModelRefusal(
            code: .notFound, reason: "TEMPLATE_NOT_FOUND", metadata: ["template_name": request.templateName])
        }
        var new = model.blankSession(template.type, request.name, request.workspace)
        new.metadata = metadata.isEmpty ? nil : .with { $0.fields = metadata }
        new.capabilities = capabilities.map(\.text)
        new.constraints = constraints.map(\.text)
        new.environment = environment
        new.parentID = request.parentID.lowercased()
        new.templateName = template.name
        try model.admit(new)
        model.record(.created, new.id)
      })
  }

  private static func merge(
    _ patch: [String: Google_Protobuf_Value], over members: [String: Google_Protobuf_Value]
  ) -> [String: Google_Protobuf_Value] {
    var merged = members
    for (key, value) in patch {
      switch value.kind {
      case .nullValue?: merged[key] = nil
      case .structValue(let object)?:
        let before = merged[key]?.structValue?.fields ?? [:]
        merged[key] = .with {
          $0.kind = .structValue(.with { $0.fields = merge(object.fields, over: before) })
        }
      case .boolValue?, .numberValue?, .stringValue?, .listValue?, nil: merged[key] = value
      }
    }
    return merged
  }
}
