import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// The protoc plugin: from each proto3 file, Swift messages over protoc-c's structs, stubs for its services, and its
/// descriptor.
@main
struct Plugin: CodeGenerator {
  // Not supported, but our refusal says why.
  let supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] = [.proto3Optional]
  let supportedEditionRange = Google_Protobuf_Edition.proto3...Google_Protobuf_Edition.proto3
  let version: String? = "1"

  func generate(
    files: [FileDescriptor], parameter: any CodeGeneratorParameter, protoCompilerContext _: any ProtoCompilerContext,
    generatorOutputs outputs: any GeneratorOutputs
  ) throws {
    let options = try Options(parameter)
    try files.forEach(checkSupport)
    for file in files {
      let names = SwiftNames(for: file, among: files, options)
      if !file.messages.isEmpty || !file.enums.isEmpty {
        let messages = try MessageFile(file, names, options).contents()
        try outputs.add(fileName: options.outputName(of: file, kind: "messages"), contents: messages)
      }
      if !file.services.isEmpty, options.server || options.client {
        let services = try ServiceFile(file, names, options).contents()
        try outputs.add(fileName: options.outputName(of: file, kind: "rpc"), contents: services)
      }
      if options.server {
        let descriptor = try DescriptorFile(file, names, options).contents()
        try outputs.add(fileName: options.outputName(of: file, kind: "descriptor"), contents: descriptor)
      }
    }
  }
}
