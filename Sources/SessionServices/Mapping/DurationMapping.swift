import ProtobufWellKnownTypes

extension Google_Protobuf_Duration {
  init(_ duration: Duration) {
    self.init()
    seconds = duration.components.seconds
    nanos = Int32(duration.components.attoseconds / 1_000_000_000)
  }

  /// The duration; nil where it is none as duration.proto says: its parts have two signs, or are out of their ranges.
  var duration: Duration? {
    let secondsMax: Int64 = 315_576_000_000
    guard (-secondsMax...secondsMax).contains(seconds), (-999_999_999...999_999_999).contains(nanos),
      seconds.signum() * Int64(nanos.signum()) >= 0
    else { return nil }
    return .seconds(seconds) + .nanoseconds(Int64(nanos))
  }
}
