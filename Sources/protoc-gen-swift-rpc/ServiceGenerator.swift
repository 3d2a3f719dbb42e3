import SwiftProtobufPluginLibrary

/// Generates a service: the names of its methods, its protocol with the routing table, and its client.
struct ServiceGenerator {
  private let service: ServiceDescriptor
  private let names: SwiftNames
  private let visibility: String
  private let type: String
  private let constants: String
  private let comment: String
  private let methods: [MethodGenerator]

  init(_ service: ServiceDescriptor, _ names: SwiftNames, _ visibility: String) throws {
    self.service = service
    self.names = names
    self.visibility = visibility
    type = names.type(service)
    constants = "\(type)Methods"
    comment = docComment(
      of: service, isDeprecated: service.options.deprecated, or: "The service `\(service.fullName)`.")
    methods = try service.methods.map { try MethodGenerator($0, names) }
  }

  /// Prints the descriptors of the methods.
  func printMethods(_ printer: inout CodePrinter) {
    printer.print(
      """

      /// The methods of `\(service.fullName)`.
      \(visibility) enum \(constants) {
        /// The service's full name.
        \(visibility) static let name = "\(service.fullName)"
      """)
    for method in methods {
      printer.print(
        """

          /// `\(method.method.name)`.
          \(visibility) static let \(method.constant) = RPCCore.MethodDescriptor(service: name, method: "\(method.method.name)")
        """)
    }
    printer.print("}")
  }

  /// Prints the protocol that a server implements.
  func printProtocol(_ printer: inout CodePrinter) {
    printer.print("")
    printer.print(comment)
    printer.print("\(visibility) protocol \(type): RPCCore.RPCService {")
    printer.withIndentation { printer in
      for (index, method) in methods.enumerated() {
        if index > 0 { printer.print("") }
        printer.print(method.comment)
        printer.print(method.serverSignature)
        if let atOnce = method.atOnceSignature {
          printer.print(
            """

            /// Answers what needs no waiting, such as from memory; must not block, nor keep what it is lent. Nil, the
            /// default, leaves it to the other.
            \(atOnce)
            """)
        }
      }
    }
    printer.print(
      """
      }

      extension \(type) {
        /// The routing table.
        \(visibility) var methods: [RPCCore.ServerMethod] {
          [
      """)
    for method in methods { printer.print("      \(method.route(constants)),") }
    printer.print(
      """
          ]
        }

        /// The proto file that declares the service.
        \(visibility) var fileDescriptor: ProtobufC.FileDescriptor? { .\(names.constant(service.file)) }
      """)
    for signature in methods.compactMap(\.atOnceSignature) {
      printer.print("\n  /// Nil.\n  \(visibility) \(signature) { nil }")
    }
    printer.print("}")
  }

  /// Prints the client.
  func printClient(_ printer: inout CodePrinter) {
    printer.print(
      """

      \(comment)
      ///
      /// Calls throw `RPCError`.
      \(visibility) struct \(type)Client: Sendable {
        private let transport: any RPCCore.ClientTransport

        /// A client that calls through `transport`.
        \(visibility) init(_ transport: any RPCCore.ClientTransport) { self.transport = transport }
      """)
    printer.withIndentation { printer in
      for method in methods {
        printer.print("")
        printer.print(method.comment)
        printer.print("\(visibility) \(method.clientFunction(constants))")
      }
    }
    printer.print("}")
  }
}
