import RPCCore

@testable import ProtobufC
@testable import RPCServices
@testable import sessiond

/// What every method that is served takes, as the proto files declare it.
enum ServedMethods {
  /// The full names of all request messages. Each method for which it is settled who may call it is served; the program
  /// ends here where the proto file of one is not among `files`.
  static func requestNames(declaredIn files: [FileDescriptor]) throws -> Set<String> {
    var declared: [String: String] = [:]
    for file in files { try file.serialized.withUnsafeBytes { try readFile($0, &declared) } }
    return Set(
      AccessPolicy.contract.requirements.keys.map { method in
        guard let request = declared[method.path] else { fatalError("no proto file declares \(method)") }
        return request
      })
  }

  // google/protobuf/descriptor.proto: the package and the services of a file; the name and the methods of a service; the
  // name and the request of a method.

  private static func readFile(_ bytes: UnsafeRawBufferPointer, _ declared: inout [String: String]) throws {
    let file = try fields(bytes)
    let package = text(file, 2)
    for (number, bytes) in file where number == 6 {
      let service = try fields(bytes)
      for (number, bytes) in service where number == 2 {
        let method = try fields(bytes)
        let descriptor = MethodDescriptor(service: "\(package).\(text(service, 1))", method: text(method, 1))
        // The name begins with a dot.
        declared[descriptor.path] = String(text(method, 2).dropFirst())
      }
    }
  }

  private static func text(_ fields: [(number: UInt32, bytes: UnsafeRawBufferPointer)], _ number: UInt32) -> String {
    String(decoding: fields.first { $0.number == number }?.bytes ?? .init(start: nil, count: 0), as: UTF8.self)
  }

  private static func fields(
    _ bytes: UnsafeRawBufferPointer
  ) throws -> [(number: UInt32, bytes: UnsafeRawBufferPointer)] {
    var reader = WireReader(bytes)
    var found: [(number: UInt32, bytes: UnsafeRawBufferPointer)] = []
    while !reader.isAtEnd {
      let (number, type) = try reader.tag()
      if type == .lengthDelimited {
        found.append((number, try reader.lengthDelimited()))
      } else {
        _ = try reader.skip(type)
      }
    }
    return found
  }
}
