/// One thing that is wrong with a request.
public struct FieldViolation: Hashable, Sendable {
  /// The field's path from the request on, such as `session.name` or `session.metadata.KEY`.
  public let path: String
  /// What is allowed there, as a sentence without a full stop.
  public let description: String

  /// Makes a violation.
  public init(path: String, description: String) {
    self.path = path
    self.description = description
  }
}
