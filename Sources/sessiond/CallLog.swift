import Logging
import RPCCore
import RPCTransport

/// Logs every call at debug, and what failed inside at error, under the request id that the caller was told.
struct CallLog: ServerCallObserver {
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger }

  func wants(_ error: RPCError?) -> Bool { logger.logLevel <= .debug || error?.cause != nil }

  func callEnded(_ call: CallSummary) {
    if let cause = call.error?.cause {
      logger.error(
        "call failed",
        metadata: [
          "method": "\(oneLine(call.method))", "code": "\(call.code.name)", "request_id": "\(call.requestID ?? "none")",
          "cause": "\(cause)",
        ])
    }
    logger.debug(
      "call",
      metadata: [
        "method": "\(oneLine(call.method))", "code": "\(call.code.name)",
        "message": "\(oneLine(call.error?.message ?? ""))",
        "microseconds":
          "\(call.duration.components.attoseconds / 1_000_000_000_000 + call.duration.components.seconds * 1_000_000)",
        "peer": "\(call.peer)",
      ])
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
