import Logging
import RPCCore

/// Logs every call at debug, and what failed inside at error, under the request id that the caller was told.
final class CallLog: ServerInterceptor, CallInterceptor {
  private let logger: Logger
  // Asking the logger costs each call more than all else that is done for it here.
  private let level: LogLevel

  init(_ logger: Logger, _ level: LogLevel) {
    self.logger = logger
    self.level = level
  }

  var interest: CallInterest { .ends }

  func interceptor(for method: MethodDescriptor?) -> (any CallInterceptor)? { self }

  func ended(_ call: CallSummary) {
    if let cause = call.error?.cause {
      var metadata = metadata(call)
      metadata["cause"] = "\(oneLine("\(cause)"))"
      logger.error("call failed", metadata: metadata)
    }
    guard level.logsCalls else { return }
    var metadata = metadata(call)
    metadata["message"] = "\(oneLine(call.error?.message ?? ""))"
    metadata["microseconds"] = "\(Int(call.duration / .microseconds(1)))"
    metadata["peer"] = "\(call.call.peer.address)"
    logger.debug("call", metadata: metadata)
  }

  private func metadata(_ call: CallSummary) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "method": "\(oneLine(call.call.method.path))", "code": "\(call.code.name)", "request_id": "\(call.call.id)",
    ]
    if let identity = call.call.identity { metadata["identity"] = "\(oneLine(identity.name))" }
    if let trace = call.call.trace { metadata["trace_id"] = "\(trace.traceIDText)" }
    return metadata
  }
}

/// A caller's text without what could end its line in the log or hide what follows.
private func oneLine(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
    return text
  }
  return String(
    String.UnicodeScalarView(
      text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
}
