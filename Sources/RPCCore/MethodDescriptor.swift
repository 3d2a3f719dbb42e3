/// Names one method of one service.
public struct MethodDescriptor: Sendable {
  // One reference for three strings: every call copies the name of its method.
  private final class Names: Sendable {
    let service: String
    let method: String
    let path: String

    init(service: String, method: String, path: String) {
      self.service = service
      self.method = method
      self.path = path
    }
  }

  private let names: Names

  /// A method by its names.
  public init(service: String, method: String) {
    names = Names(service: service, method: method, path: "/\(service)/\(method)")
  }

  /// What a caller asked for; anything may be in it.
  public init(path: String) {
    let parts = path.split(separator: "/", maxSplits: 1)
    names = Names(service: String(parts.first ?? ""), method: parts.count > 1 ? String(parts[1]) : "", path: path)
  }

  /// The service's full name, such as `orchestration.session.v1.SessionService`.
  public var service: String { names.service }
  /// The method's name, such as `GetSession`.
  public var method: String { names.method }
  /// The `:path` of its calls, `/service/method`.
  public var path: String { names.path }
}

extension MethodDescriptor: Hashable {
  /// Equal when the names are.
  public static func == (left: Self, right: Self) -> Bool { left.names === right.names || left.path == right.path }
  /// Hashes the path.
  public func hash(into hasher: inout Hasher) { hasher.combine(path) }
}

extension MethodDescriptor: CustomStringConvertible {
  /// `service/method`.
  public var description: String { "\(service)/\(method)" }
}
