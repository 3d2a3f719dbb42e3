/// Whether a response is compressed, where its caller takes that.
public enum CompressionChoice: Sendable, Hashable {
  /// As the request: a caller that compresses gets compressed answers.
  case inKind
  /// Whenever the caller takes it. The first message of a stream decides whether any of its messages can be.
  case always
  /// Not at all, such as for what is compressed already or holds secrets beside what others may choose.
  case never
}
