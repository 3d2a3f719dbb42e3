import AdminPort
import RPCCore

extension Exposition {
  /// Writes what was counted of calls, by the names that gRPC servers in other languages have for it. Calls of methods
  /// that there are not share one method, so that callers cannot make up labels.
  mutating func write(_ calls: [MethodFigures]) {
    counter(
      "grpc_server_started_total", "Calls that began.", calls.map { (Self.labels($0.method), Double($0.started)) })
    counter(
      "grpc_server_handled_total", "Calls that ended, by status.",
      calls.flatMap { call in
        StatusCode.allCases.compactMap { code in
          guard let count = call.handled[code] ?? (code == .ok ? 0 : nil) else { return nil }
          return (Self.labels(call.method, code), Double(count))
        }
      })
    counter(
      "grpc_server_msg_received_total", "Messages of calls that came in.",
      calls.map { (Self.labels($0.method), Double($0.messagesReceived)) })
    counter(
      "grpc_server_msg_sent_total", "Messages of calls that were sent.",
      calls.map { (Self.labels($0.method), Double($0.messagesSent)) })
    let bounds = MethodMetrics.bounds.map { $0 / .seconds(1) }
    histogram(
      "grpc_server_handling_seconds", "From a call's headers to its status.",
      // Methods that nobody called would make up most of the page.
      calls.filter { !$0.handled.isEmpty }.map { call in
        let distribution = Distribution(bounds: bounds, counts: call.durations, sum: call.duration / .seconds(1))
        return (Self.labels(call.method), distribution)
      })
  }

  private static func labels(_ method: MethodDescriptor?) -> Labels {
    let (service, name) = method.map { ($0.service, $0.method) } ?? ("unknown", "unknown")
    return [("grpc_type", type(method)), ("grpc_service", service), ("grpc_method", name)]
  }

  private static func labels(_ method: MethodDescriptor?, _ code: StatusCode) -> Labels {
    labels(method) + [("grpc_code", spelled(code))]
  }

  private static func type(_ method: MethodDescriptor?) -> String {
    switch method?.kind {
    case .unary: "unary"
    case .clientStreaming: "client_stream"
    case .serverStreaming: "server_stream"
    case .bidirectionalStreaming: "bidi_stream"
    case nil: "unknown"
    }
  }

  // As gRPC's own servers spell them in metrics.
  private static func spelled(_ code: StatusCode) -> String {
    switch code {
    case .ok: "OK"
    case .cancelled: "Canceled"
    case .unknown: "Unknown"
    case .invalidArgument: "InvalidArgument"
    case .deadlineExceeded: "DeadlineExceeded"
    case .notFound: "NotFound"
    case .alreadyExists: "AlreadyExists"
    case .permissionDenied: "PermissionDenied"
    case .resourceExhausted: "ResourceExhausted"
    case .failedPrecondition: "FailedPrecondition"
    case .aborted: "Aborted"
    case .outOfRange: "OutOfRange"
    case .unimplemented: "Unimplemented"
    case .internal: "Internal"
    case .unavailable: "Unavailable"
    case .dataLoss: "DataLoss"
    case .unauthenticated: "Unauthenticated"
    }
  }
}
