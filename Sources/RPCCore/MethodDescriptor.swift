/// How many messages go each way in the calls of a method.
public enum MethodKind: Sendable, Hashable, CaseIterable {
  /// One request, one response.
  case unary
  /// Any number of requests, one response.
  case clientStreaming
  /// One request, any number of responses.
  case serverStreaming
  /// Any number of both.
  case bidirectionalStreaming
}

/// Names one method of one service.
public struct MethodDescriptor: Sendable {
  // One reference for three strings: every call copies the name of its method.
  private final class Names: Sendable {
    let service: String
    let method: String
    let path: String
    let kind: MethodKind?

    init(service: String, method: String, path: String, kind: MethodKind? = nil) {
      self.service = service
      self.method = method
      self.path = path
      self.kind = kind
    }
  }

  private let names: Names

  private init(_ names: Names) { self.names = names }

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
  /// The kind of its calls; nil for a name alone, which whatever serves it makes a method of some kind.
  public var kind: MethodKind? { names.kind }

  /// The same method, known to be of a kind.
  public func ofKind(_ kind: MethodKind) -> MethodDescriptor {
    MethodDescriptor(Names(service: service, method: method, path: path, kind: kind))
  }
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
