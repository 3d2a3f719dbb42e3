import ProtobufWellKnownTypes
import SessionDomain

extension Google_Protobuf_Duration {
  // As duration.proto has it: 10,000 years.
  private static let secondsMax: Int64 = 315_576_000_000

  /// The time, if it is one that duration.proto allows and that is not negative; zero and a violation otherwise.
  func duration(at path: String, _ violations: inout [FieldViolation]) -> Duration {
    guard (0...Self.secondsMax).contains(seconds), (0...999_999_999).contains(nanos) else {
      violations.append(
        FieldViolation(path: path, description: "0 to \(Self.secondsMax) seconds, and 0 to 999999999 nanos"))
      return .zero
    }
    return .seconds(seconds) + .nanoseconds(nanos)
  }
}
