import Metrics

/// What the program counts where it happens, by swift-metrics: what is rare enough. What every call does is counted by
/// counters of its own, which a scrape asks.
struct Instruments: Sendable {
  /// What is said on the page of what is recorded here.
  static let help = [
    "sessiond_reloads_total": "What a SIGHUP had the server read again, by whether it was taken over.",
    "sessiond_certificate_expiry_seconds": "When the certificate that is used is no longer valid, since 1970.",
    "sessiond_tls_handshakes_failed_total": "Connections of clients that got no TLS.",
    "sessiond_connections_refused_total": "Connections of clients that were closed as they came: there were too many.",
    "sessiond_admin_requests_total": "Answers of the admin port, by page and status.",
    "sessiond_scrape_seconds": "How long it took to write this page.",
  ]

  /// What can be read again.
  enum Reloadable: String {
    case settings, certificate, tokens
  }

  private let factory: any MetricsFactory
  private let handshakesFailed: Counter
  private let connectionsRefused: Counter
  private let scrapes: Timer

  /// Those of a factory; by default of the one that the process was started with, if it was.
  init(_ factory: any MetricsFactory = MetricsSystem.factory) {
    self.factory = factory
    handshakesFailed = Counter(label: "sessiond_tls_handshakes_failed", factory: factory)
    connectionsRefused = Counter(label: "sessiond_connections_refused", factory: factory)
    scrapes = Timer(label: "sessiond_scrape_seconds", factory: factory)
  }

  /// Counts a connection that got no TLS.
  func handshakeFailed() { handshakesFailed.increment() }

  /// Counts a connection that was closed as it came.
  func connectionRefused() { connectionsRefused.increment() }

  /// Counts an answer of the admin port; `path` is nil for all that are no page, since anybody may make up others.
  func answered(_ path: String?, _ status: Int) {
    Counter(
      label: "sessiond_admin_requests", dimensions: [("path", path ?? "other"), ("status", "\(status)")],
      factory: factory
    ).increment()
  }

  /// Tells how long it took to write the metrics.
  func scraped(in duration: Duration) { scrapes.record(duration: duration) }

  /// Has what may be read again counted from 0; a first failure would otherwise not be seen to be one more.
  func mayReload(_ what: Reloadable) {
    for succeeded in [true, false] { reloads(what, succeeded).increment(by: 0) }
  }

  /// Counts what was read again, and whether it is in use now.
  func reloaded(_ what: Reloadable, succeeded: Bool) { reloads(what, succeeded).increment() }

  private func reloads(_ what: Reloadable, _ succeeded: Bool) -> Counter {
    Counter(
      label: "sessiond_reloads",
      dimensions: [("what", what.rawValue), ("result", succeeded ? "success" : "failure")], factory: factory)
  }

  /// Tells until when the certificate in use is valid, in seconds since 1970.
  func usesCertificate(validUntil: Int) {
    Gauge(label: "sessiond_certificate_expiry_seconds", factory: factory).record(validUntil)
  }
}
