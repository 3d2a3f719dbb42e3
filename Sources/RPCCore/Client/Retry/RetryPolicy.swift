/// When calls are made again (gRFC A6).
public struct RetryPolicy: Sendable {
  /// How often a call is made at most, the first time among them.
  public var attemptsMax = 4
  /// The pauses between attempts, unless the server says how long.
  public var backoff = Backoff(initial: .milliseconds(100), multiplier: 2, max: .seconds(5))
  /// Bytes of requests that one call keeps to send them again. A call that sends more is not made again.
  public var replayBytesMax = 256 << 10
  /// What pauses and timeouts go by.
  public var clock: any Clock<Duration> = ContinuousClock()
  /// Numbers from 0 to 1 for the jitter of the pauses.
  public var random: @Sendable () -> Double = { .random(in: 0...1) }

  /// The defaults.
  public init() {}

  /// How much time has passed since now.
  func stopwatch() -> @Sendable () -> Duration { started(clock) }

  private func started<C: Clock<Duration>>(_ clock: C) -> @Sendable () -> Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
  }
}

/// What `grpc-retry-pushback-ms` of a failed attempt asks for (gRFC A6, "Pushback").
enum RetryPushback: Equatable {
  /// Come back after this time.
  case after(Duration)
  /// Do not come back.
  case never

  /// Reads the field's value: a signed 32-bit integer, without unnecessary leading zeros.
  init(_ text: String) {
    // What cannot be read asks for peace, as a negative number does. `Int32` reads `+1` and `01`, which are not as the
    // field has it.
    if let milliseconds = Int32(text), milliseconds >= 0, String(milliseconds) == text {
      self = .after(.milliseconds(milliseconds))
    } else {
      self = .never
    }
  }
}

extension ClientTransport {
  /// The same transport, which makes calls again that failed with UNAVAILABLE, within their timeouts, for as long as
  /// nothing of a response has come; and once, at once, those that the server did nothing for (gRFC A6).
  public func retrying(_ policy: RetryPolicy = RetryPolicy()) -> any ClientTransport {
    RetryingTransport(inner: self, policy: policy)
  }
}

private struct RetryingTransport: ClientTransport {
  let inner: any ClientTransport
  let policy: RetryPolicy

  func open(_ method: MethodDescriptor, _ options: CallOptions) -> any ClientCall {
    RetryingCall(policy, options.timeout, inner.open(method, options)) { [inner] previousAttempts, timeout in
      var options = options
      options.timeout = timeout
      options.previousAttempts = previousAttempts
      return inner.open(method, options)
    }
  }
}
