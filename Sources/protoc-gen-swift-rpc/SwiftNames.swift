import SwiftProtobufPluginLibrary

/// The Swift names of one file's declarations, by SwiftProtobufNamer's rules, kept apart from the names that the
/// generated code itself uses.
struct SwiftNames {
  private let namer = SwiftProtobufNamer()
  private let modules: ProtoFileToModuleMappings
  private let module: String?
  // Of the messages and enums of the files that are generated together.
  private let topLevelNames: Set<String>

  init(for file: FileDescriptor, among files: [FileDescriptor], _ options: Options) {
    modules = options.modules
    module = options.modules.moduleName(forFile: file)
    let messages = files.flatMap(\.messages).map(namer.relativeName(message:))
    let enums = files.flatMap(\.enums).map(namer.relativeName(enum:))
    topLevelNames = Set(messages + enums)
  }

  // MARK: Messages and enums

  /// A message's name from the top of its module, such as `OrderBy.Direction`.
  func full(_ message: Descriptor) -> String {
    let name = relative(message)
    return message.containingType.map { "\(full($0)).\(name)" } ?? name
  }

  /// An enum's name from the top of its module.
  func full(_ enumeration: EnumDescriptor) -> String {
    let name = relative(enumeration)
    return enumeration.containingType.map { "\(full($0)).\(name)" } ?? name
  }

  /// The last part of a message's name.
  func relative(_ message: Descriptor) -> String { Self.avoidingCMessage(namer.relativeName(message: message)) }

  /// The last part of an enum's name.
  func relative(_ enumeration: EnumDescriptor) -> String {
    Self.avoidingCMessage(namer.relativeName(enum: enumeration))
  }

  /// What a message is called where `scope`'s nested types are visible too.
  func reference(to message: Descriptor, in scope: Descriptor?) throws -> String {
    try qualified(full(message), in: message.file, from: scope)
  }

  /// What an enum is called where `scope`'s nested types are visible too.
  func reference(to enumeration: EnumDescriptor, in scope: Descriptor?) throws -> String {
    try qualified(full(enumeration), in: enumeration.file, from: scope)
  }

  // MARK: Members

  /// The property of a field, and its case where it is in a oneof.
  func property(_ field: FieldDescriptor) -> String {
    namer.messagePropertyNames(field: field, prefixed: "", includeHasAndClear: false).name
  }

  /// The stored property behind a field whose message is boxed.
  func box(_ field: FieldDescriptor) -> String {
    namer.messagePropertyNames(field: field, prefixed: "_", includeHasAndClear: false).prefixed
  }

  /// The property of a oneof.
  func property(_ oneof: OneofDescriptor) -> String { namer.messagePropertyName(oneof: oneof).name }

  /// The enum of a oneof, inside its message.
  func type(_ oneof: OneofDescriptor) -> String { namer.relativeName(oneof: oneof) }

  /// The case of an enum's value.
  func enumCase(_ value: EnumValueDescriptor) -> String {
    let name = namer.relativeName(enumValue: value)
    // The generated enum's own case.
    guard name == "unrecognized" else { return name }
    return value.number < 0 ? "\(name)_n\(-Int64(value.number))" : "\(name)_\(value.number)"
  }

  // MARK: Services

  /// The protocol of a service; its other types add `Methods` and `Client`.
  func type(_ service: ServiceDescriptor) -> String {
    var name = namer.typePrefix(forFile: service.file) + service.name
    let taken = topLevelNames.union(swiftCommonTypes).union(["RPCService", "Swift", "Type", "Protocol", "Any", "Self"])
    while [name, name + "Methods", name + "Client"].contains(where: taken.contains) { name += "Service" }
    return name
  }

  /// The Swift function of a method.
  func function(_ method: MethodDescriptor) -> String {
    let name = NamingUtils.toLowerCamelCase(method.name)
    let twins = method.service.methods.filter { NamingUtils.toLowerCamelCase($0.name) == name }
    return Self.escaped(twins.count > 1 ? method.name : name)
  }

  /// The constant with a method's descriptor.
  func constant(_ method: MethodDescriptor) -> String {
    let name = function(method)
    return name == "name" ? "name_" : name
  }

  // MARK: Files

  /// The constant with a file's descriptor: `google_protobuf_any_proto`.
  func constant(_ file: FileDescriptor) -> String {
    let name = String(file.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    return name.first?.isNumber == true ? "_\(name)" : name
  }

  // MARK: Rules

  private func qualified(_ name: String, in file: FileDescriptor, from scope: Descriptor?) throws -> String {
    let home = modules.moduleName(forFile: file)
    let first = String(name.prefix { $0 != "." })
    var shadows = home != module && topLevelNames.contains(first)
    var outer = scope
    while let message = outer {
      if message.enums.contains(where: { relative($0) == first })
        || message.messages.contains(where: { !$0.options.mapEntry && relative($0) == first })
      {
        shadows = true
      }
      outer = message.containingType
    }
    guard shadows else { return name }
    guard let home else {
      throw GeneratorError.unsupported(
        file: file.name, "\(name) is hidden by a type of the same name; give its module in ModuleMappings")
    }
    return "\(home).\(name)"
  }

  private static func avoidingCMessage(_ name: String) -> String { name == "CMessage" ? "CMessage_" : name }

  private static func escaped(_ name: String) -> String {
    // Backticks do not help where these follow a dot.
    if ["init", "self", "Self", "Type", "Protocol", "deinit", "subscript"].contains(name) { return name + "_" }
    let keywords = swiftKeywordsUsedInDeclarations.union(swiftKeywordsUsedInStatements)
      .union(swiftKeywordsUsedInExpressionsAndTypes)
    return keywords.contains(name) ? "`\(name)`" : name
  }
}
