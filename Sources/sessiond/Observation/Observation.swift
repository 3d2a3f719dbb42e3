import AdminPort
import RPCCore
import RPCTransport
import SessionServices
import SessionStore
import Synchronization

/// What the admin port tells: that the process lives, whether it serves, and its metrics. Nothing that is told waits
/// for calls, for the committer or for readers.
final class Observation: Sendable {
  /// What there is to observe of a server that has started.
  struct Server: Sendable {
    let rpc: RPCServer
    let calls: MetricsInterceptor
    let repository: SQLiteSessionRepository
    let changes: CommittedChanges
  }

  private enum Phase {
    case starting
    case serving(Server)
    case draining(Server)
  }

  /// What is recorded by swift-metrics, once that has been told to.
  let registry = PrometheusRegistry(help: Instruments.help)
  private let instruments: Instruments
  private let phase = Mutex(Phase.starting)
  private let isTrying = Atomic(false)

  /// What there is to observe of no server yet.
  init() { instruments = Instruments(registry) }

  /// Says that the server listens from now on.
  func serves(_ server: Server) { phase.withLock { $0 = .serving(server) } }

  /// Says that the server takes no more calls.
  func drains() {
    phase.withLock { phase in
      if case .serving(let server) = phase { phase = .draining(server) }
    }
  }

  /// Counts an answer of the admin port; nil is the path of what is no page.
  func answered(_ path: String?, _ status: Int) { instruments.answered(path, status) }

  /// The page at `path`.
  func answer(_ path: String) -> AdminAnswer? {
    switch path {
    case "/healthz": AdminAnswer(content: "alive\n")
    case "/readyz": readiness
    case "/metrics": AdminAnswer(contentType: Exposition.contentType, content: scrape())
    default: nil
    }
  }

  private var readiness: AdminAnswer {
    switch phase.withLock({ $0 }) {
    case .starting: return AdminAnswer(status: 503, content: "starting\n")
    case .draining: return AdminAnswer(status: 503, content: "draining\n")
    case .serving(let server):
      if server.repository.isFailing {
        // Who is told this sends no changes, which would show when the file can be written again.
        tryWriting(server.repository)
        return AdminAnswer(status: 503, content: "the database file cannot be written\n")
      }
      return AdminAnswer(content: "serving\n")
    }
  }

  private func tryWriting(_ repository: SQLiteSessionRepository) {
    guard isTrying.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
    Task {
      // Whether it went well is in the repository's figures.
      try? await repository.tryWriting()
      isTrying.store(false, ordering: .relaxed)
    }
  }

  private func scrape() -> String {
    var text = ""
    instruments.scraped(in: ContinuousClock().measure { text = metrics })
    return text
  }

  private var metrics: String {
    var exposition = Exposition()
    exposition.writeBuild()
    exposition.write(ProcessFigures.current)
    let (server, isReady): (Server?, Bool) =
      switch phase.withLock({ $0 }) {
      case .starting: (nil, false)
      case .serving(let server): (server, !server.repository.isFailing)
      case .draining(let server): (server, false)
      }
    exposition.gauge("sessiond_ready", "Whether the server serves, as /readyz tells.", isReady ? 1 : 0)
    if let server {
      exposition.gauge(
        "sessiond_connections", "Connections of clients that are open.", Double(server.rpc.connectionsCount))
      exposition.write(server.calls.figures)
      exposition.write(server.changes.figures)
      exposition.write(server.repository.figures)
    }
    exposition.counter(
      "sessiond_metrics_refused_total", "Metrics that are not on this page, as there are too many.",
      Double(registry.refused))
    exposition.write(registry)
    return exposition.text
  }
}
