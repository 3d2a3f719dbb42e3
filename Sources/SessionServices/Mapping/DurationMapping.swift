import ProtobufWellKnownTypes
import SessionDomain

extension Google_Protobuf_Duration {
  // As duration.proto has it: 10,000 years.
  private static let secondsMax: Int64 = 315_576_000_000

  init(_ duration: Duration) {
    self.init()
    seconds = duration.components.seconds
    nanos = Int32(duration.components.attoseconds / 1_000_000_000)
  }

  /// The duration; nil where it is none as duration.proto says: its parts have two signs, or are out of their ranges.
  var duration: Duration? {
    guard (-Self.secondsMax...Self.secondsMax).contains(seconds), (-999_999_999...999_999_999).contains(nanos),
      seconds.signum() * Int64(nanos.signum()) >= 0
    else { return nil }
    return .seconds(seconds) + .nanoseconds(Int64(nanos))
  }

  /// The duration, if it is one and not negative; zero and a violation otherwise.
  func duration(at path: String, _ violations: inout [FieldViolation]) -> Duration {
    if let duration, duration >= .zero { return duration }
    violations.append(
      FieldViolation(path: path, description: "0 to \(Self.secondsMax) seconds, and 0 to 999999999 nanos"))
    return .zero
  }
}
