import SwiftProtobufPluginLibrary

/// The Swift file with a proto file's services.
struct ServiceFile {
  private let file: FileDescriptor
  private let names: SwiftNames
  private let options: Options

  init(_ file: FileDescriptor, _ names: SwiftNames, _ options: Options) {
    self.file = file
    self.names = names
    self.options = options
  }

  func contents() throws -> String {
    let visibility = options.visibility.keyword
    var printer = CodePrinter(addNewlines: true)
    let used = file.services.flatMap(\.methods).flatMap { [$0.inputType.file, $0.outputType.file] }
    let runtime = ["RPCCore"] + (options.server ? ["ProtobufC"] : [])
    let imports = runtime + modules(of: used.compactMap(\.self), besides: file, options)
    printHeader(&printer, of: file, imports: imports, visibility)
    for service in file.services {
      let generator = try ServiceGenerator(service, names, visibility)
      generator.printMethods(&printer)
      if options.server { generator.printProtocol(&printer) }
      if options.client { generator.printClient(&printer) }
    }
    return printer.content
  }
}
