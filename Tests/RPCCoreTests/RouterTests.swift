import RPCCore
import RPCTestSupport
import Testing

@Suite struct RouterTests {
  private func find(_ path: String, in router: Router) -> ServerMethod? {
    Array(path.utf8).withUnsafeBytes { router.method(for: $0) }
  }

  private func method(_ service: String, _ name: String) -> ServerMethod {
    .unary(MethodDescriptor(service: service, method: name)) { (request: Text, _) in try ServerResponse(request) }
  }

  private struct Service: RPCService {
    let methods: [ServerMethod]
  }

  @Test(arguments: [0, 1, 7, 8, 9, 100, 1000]) func everyMethodIsFound(count: Int) {
    let methods = (0..<count).map { method("test.Service\($0 % 10)", "Method\($0)") }
    let router = Router([Service(methods: methods)])
    for method in methods {
      #expect(find(method.descriptor.path, in: router) === method)
    }
    #expect(find("/test.Service0/Nothing", in: router) == nil)
  }

  @Test(arguments: ["", "/", "//", "test.S/M", "/test.S/M/", "/test.S/m", "/test.S/M\0", "/test.S"])
  func aPathMustBeExact(path: String) {
    let router = Router([Service(methods: [method("test.S", "M")])])
    #expect(find("/test.S/M", in: router) != nil)
    #expect(find(path, in: router) == nil)
  }

  @Test func ofMethodsWithTheSamePathTheLastWins() {
    let first = method("test.S", "M")
    let last = method("test.S", "M")
    #expect(find("/test.S/M", in: Router([Service(methods: [first]), Service(methods: [last])])) === last)
  }

  @Test(arguments: [
    ("/test.S/Other", "unknown method Other for service test.S"), ("/test.T/M", "unknown service test.T"),
    ("test", "malformed method name \"test\"; expected /service/method"),
    ("/a/b/c", "malformed method name \"/a/b/c\"; expected /service/method"),
    ("", "malformed method name \"\"; expected /service/method"),
  ])
  func aRefusalSaysWhatIsUnknown(pair: (path: String, message: String)) {
    let refusal = Router([Service(methods: [method("test.S", "M")])]).refusal(of: pair.path)
    #expect(refusal.code == .unimplemented)
    #expect(refusal.message == pair.message)
  }
}
