import SwiftProtobufPluginLibrary

/// The plugin's parameters, as `--swift-rpc_opt=Name=value`.
struct Options {
  enum Visibility: String, CaseIterable {
    case `public` = "Public"
    case package = "Package"
    case `internal` = "Internal"

    /// The Swift keyword.
    var keyword: String { rawValue.lowercased() }
  }

  enum FileNaming: String, CaseIterable {
    /// `a/b/c.messages.swift`.
    case fullPath = "FullPath"
    /// `a_b_c.messages.swift`: SwiftPM wants file names that are unique in their module.
    case pathToUnderscores = "PathToUnderscores"
    /// `c.messages.swift`.
    case dropPath = "DropPath"
  }

  /// Of everything generated.
  private(set) var visibility = Visibility.public
  /// Where the output files go.
  private(set) var fileNaming = FileNaming.fullPath
  /// Which Swift module holds which proto file; the well-known types are in `wellKnownTypesModule`.
  private(set) var modules: ProtoFileToModuleMappings
  /// The C module of protoc-c's structs.
  private(set) var cModule = "CProtoMessages"
  /// Whether to generate service protocols, their routing tables, and the descriptors that servers give to clients.
  private(set) var server = true
  /// Whether to generate clients.
  private(set) var client = true

  private static let wellKnownTypesModule = "ProtobufWellKnownTypes"

  init(_ parameter: any CodeGeneratorParameter) throws {
    modules = ProtoFileToModuleMappings(swiftProtobufModuleName: Self.wellKnownTypesModule)
    for (name, value) in parameter.parsedPairs {
      switch name {
      case "Visibility": visibility = try Self.choice(name, value)
      case "FileNaming": fileNaming = try Self.choice(name, value)
      case "ModuleMappings":
        do {
          modules = try ProtoFileToModuleMappings(path: value, swiftProtobufModuleName: Self.wellKnownTypesModule)
        } catch {
          throw GeneratorError.badOption(name, "cannot read the mappings in \"\(value)\": \(error)")
        }
      case "CModule":
        guard isValidSwiftIdentifier(value) else {
          throw GeneratorError.badOption(name, "\"\(value)\" is not the name of a module")
        }
        cModule = value
      case "Server": server = try Self.flag(name, value)
      case "Client": client = try Self.flag(name, value)
      default:
        throw GeneratorError.badOption(
          name, "unknown option; allowed are Visibility, FileNaming, ModuleMappings, CModule, Server and Client")
      }
    }
  }

  /// `session_service.messages.swift` for the messages of `session_service.proto`.
  func outputName(of file: FileDescriptor, kind: String) -> String {
    let stem = file.name.hasSuffix(".proto") ? String(file.name.dropLast(6)) : file.name
    let parts = stem.split(separator: "/")
    return switch fileNaming {
    case .fullPath: "\(stem).\(kind).swift"
    case .pathToUnderscores: "\(parts.joined(separator: "_")).\(kind).swift"
    case .dropPath: "\(parts.last ?? "").\(kind).swift"
    }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ value: String
  ) throws -> Choice {
    guard let choice = Choice(rawValue: value) else {
      let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw GeneratorError.badOption(name, "\"\(value)\" is not one of \(allowed)")
    }
    return choice
  }

  private static func flag(_ name: String, _ value: String) throws -> Bool {
    guard let flag = Bool(value) else {
      throw GeneratorError.badOption(name, "\"\(value)\" is neither true nor false")
    }
    return flag
  }
}
