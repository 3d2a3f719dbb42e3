import Foundation
import RPCCore
import RPCServices
import Testing

@testable import sessiond

/// Every method of the protos in `folders`, by reading them.
private func methods(of folders: [String]) throws -> [MethodDescriptor] {
  let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../proto").standardized
  var methods: [MethodDescriptor] = []
  for folder in folders {
    let files = try FileManager.default.contentsOfDirectory(
      at: root.appending(path: folder), includingPropertiesForKeys: nil)
    for file in files where file.pathExtension == "proto" {
      let text = try String(contentsOf: file, encoding: .utf8)
      let package = try #require(text.firstMatch(of: /(?m)^package ([\w.]+);/)).1
      var service = ""
      for match in text.matches(of: /(?m)^\s*(service|rpc)\s+(\w+)/) {
        if match.1 == "service" {
          service = "\(package).\(match.2)"
        } else {
          methods.append(MethodDescriptor(service: service, method: String(match.2)))
        }
      }
    }
  }
  return methods
}

@Suite struct AccessPolicyTests {
  @Test func everyMethodOfTheContractIsNamed() throws {
    let methods = try methods(of: ["orchestration/session/v1", "grpc/health/v1"])
    #expect(methods.count >= 41)
    for method in methods { #expect(AccessPolicy.contract.names(method), "\(method)") }
  }

  @Test func aMethodThatIsNotNamedIsForAdmins() {
    let method = MethodDescriptor(service: "orchestration.session.v1.SessionService", method: "Forgotten")
    #expect(AccessPolicy.contract.requirement(of: method) == .role(.admin))
  }

  @Test(
    "Methods that read are for readers, those that change for operators",
    arguments: [
      ("/orchestration.session.v1.SessionService/GetSession", AccessPolicy.Requirement.role(.reader)),
      ("/orchestration.session.v1.SessionService/DeleteSession", .role(.operator)),
      ("/orchestration.session.v1.EventService/WatchEvents", .role(.reader)),
      ("/orchestration.session.v1.MessageService/ReceiveMessages", .role(.operator)),
      ("/orchestration.session.v1.LifecycleService/EmergencyShutdown", .role(.admin)),
      ("/grpc.health.v1.Health/Check", .nothing), ("/grpc.health.v1.Health/Watch", .nothing),
      ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", .role(.reader)),
    ])
  func requirement(path: String, requirement: AccessPolicy.Requirement) {
    #expect(AccessPolicy.contract.requirement(of: MethodDescriptor(path: path)) == requirement)
  }

  @Test func whatGetsOrListsIsForReaders() throws {
    for method in try methods(of: ["orchestration/session/v1"]) {
      let reads = ["Get", "List", "Search", "Watch", "Check", "Resolve"].contains { method.method.hasPrefix($0) }
      let isReaders = AccessPolicy.contract.requirement(of: method) == .role(.reader)
      #expect(reads == isReaders, "\(method)")
    }
  }
}
