/// Names one method of one service.
public struct MethodDescriptor: Sendable, Hashable, CustomStringConvertible {
  /// The service's full name, such as `orchestration.session.v1.SessionService`.
  public let service: String
  /// The method's name, such as `GetSession`.
  public let method: String
  /// The `:path` of its calls, `/service/method`.
  public let path: String

  /// A method by its names.
  public init(service: String, method: String) {
    self.service = service
    self.method = method
    path = "/\(service)/\(method)"
  }

  /// `service/method`.
  public var description: String { "\(service)/\(method)" }
}
