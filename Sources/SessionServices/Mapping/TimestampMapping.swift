import ProtobufWellKnownTypes
import SessionDomain

extension Google_Protobuf_Timestamp {
  // As timestamp.proto has it: from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
  private static let secondsRange: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

  init(_ timestamp: SessionDomain.Timestamp) {
    self.init()
    // Nanoseconds count forward from the second, before 1970 too.
    let (seconds, microseconds) = timestamp.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    self.seconds = microseconds < 0 ? seconds - 1 : seconds
    nanos = Int32(microseconds < 0 ? microseconds + 1_000_000 : microseconds) * 1000
  }

  /// The time to the microsecond, if it is one; nil and a violation otherwise.
  func timestamp(at path: String, _ violations: inout [FieldViolation]) -> SessionDomain.Timestamp? {
    guard Self.secondsRange.contains(seconds), (0...999_999_999).contains(nanos) else {
      violations.append(
        FieldViolation(path: path, description: "a time from the year 1 to 9999, and 0 to 999999999 nanos"))
      return nil
    }
    return SessionDomain.Timestamp(microseconds: seconds * 1_000_000 + Int64(nanos) / 1000)
  }
}
