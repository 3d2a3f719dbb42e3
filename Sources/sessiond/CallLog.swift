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
          "method": "\(call.method)", "code": "\(call.code.name)", "request_id": "\(call.requestID ?? "none")",
          "cause": "\(cause)",
        ])
    }
    logger.debug(
      "call",
      metadata: [
        "method": "\(call.method)", "code": "\(call.code.name)", "message": "\(call.error?.message ?? "")",
        "microseconds":
          "\(call.duration.components.attoseconds / 1_000_000_000_000 + call.duration.components.seconds * 1_000_000)",
        "peer": "\(call.peer)",
      ])
  }
}
