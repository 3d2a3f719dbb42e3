// How protoc-c 1.4.1 names what it generates (protoc-c/c_helpers.cc).

import SwiftProtobufPluginLibrary

/// The names of protoc-c's structs, functions and members.
enum CNames {
  /// The struct of a message.
  static func type(_ message: Descriptor) -> String {
    pieces(message.fullName).map(toCamel).joined(separator: "__")
  }

  /// The function that sets every member of a struct to its default.
  static func initializer(_ message: Descriptor) -> String {
    pieces(message.fullName).map(camelToLower).joined(separator: "__") + "__init"
  }

  /// The member of a field.
  static func member(_ field: FieldDescriptor) -> String {
    let name = field.name.lowercased()
    return cxxKeywords.contains(name) ? name + "_" : name
  }

  /// The member that counts the elements of a repeated field.
  static func count(_ field: FieldDescriptor) -> String { "n_" + member(field) }

  /// The member that says which field of a oneof is set.
  static func unionCase(_ oneof: OneofDescriptor) -> String { camelToLower(oneof.name) + "_case" }

  /// A member as Swift spells it after a dot.
  static func escaped(_ member: String) -> String {
    ["init", "self"].contains(member) ? "`\(member)`" : member
  }

  private static func pieces(_ fullName: String) -> [Substring] { fullName.split(separator: ".") }

  private static func camelToLower(_ name: some StringProtocol) -> String {
    var lower = ""
    // True at first, so that a leading capital gets no underscore.
    var wasUpper = true
    for character in name {
      if character.isUppercase, !wasUpper { lower += "_" }
      lower += character.lowercased()
      wasUpper = character.isUppercase
    }
    return lower
  }

  private static func toCamel(_ name: Substring) -> String {
    var camel = ""
    var capitalizes = true
    for character in name {
      if character == "_" {
        capitalizes = true
      } else {
        camel += capitalizes ? character.uppercased() : String(character)
        capitalizes = false
      }
    }
    return camel
  }

  private static let cxxKeywords: Set<String> = [
    "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char", "class", "compl",
    "const", "const_cast", "continue", "default", "delete", "do", "double", "dynamic_cast", "else", "enum", "explicit",
    "extern", "false", "float", "for", "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new",
    "not", "not_eq", "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "return", "short", "signed", "sizeof", "static", "static_cast", "struct", "switch", "template", "this", "throw",
    "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
    "wchar_t", "while", "xor", "xor_eq",
  ]
}
