import SwiftProtobufPluginLibrary

/// Refuses what protoc-c or this generator cannot express, before anything is written.
func checkSupport(_ file: FileDescriptor) throws {
  func refuse(_ reason: String) -> GeneratorError { .unsupported(file: file.name, reason) }

  guard file.edition == .proto3 else { throw refuse("only proto3 is supported") }
  if file.dependencies.contains(where: { $0.name.hasPrefix("protobuf-c/") }) {
    throw refuse("the options of protobuf-c/protobuf-c.proto are not supported: they change the names of C members")
  }
  for message in file.messages { try checkSupport(message, refuse) }
}

private func checkSupport(_ message: Descriptor, _ refuse: (String) -> GeneratorError) throws {
  // protoc-c's own member comes first in every struct.
  var memberOwners = ["base": "protobuf-c's own"]
  func claim(_ member: String, for owner: String) throws {
    if let other = memberOwners.updateValue(owner, forKey: member) {
      throw refuse("\(message.fullName): the C members of \(owner) and \(other) would both be named \(member)")
    }
  }
  for field in message.fields {
    // protoc gives each proto3 optional field a oneof of its own.
    if field.containingOneof != nil, field.realContainingOneof == nil {
      throw refuse(
        "\(field.fullName): proto3 optional is not supported, for protoc-c refuses it; use a oneof or a message")
    }
    if field.type == .group { throw refuse("\(field.fullName): groups are not supported") }
    try claim(CNames.member(field), for: field.name)
    if field.isRepeated { try claim(CNames.count(field), for: field.name) }
  }
  for oneof in message.realOneofs { try claim(CNames.unionCase(oneof), for: oneof.name) }
  for nested in message.messages { try checkSupport(nested, refuse) }
}
