import AdminPort
import RPCCore
import RPCTransport
import SessionServices
import SessionStore
import Synchronization

/// What the admin port tells: that the process lives, whether it serves, and its metrics. Nothing that is told waits for
/// calls, for the committer or for readers.
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

  private let phase = Mutex(Phase.starting)
  private let isTrying = Atomic(false)

  /// Says that the server listens from now on.
  func serves(_ server: Server) { phase.withLock { $0 = .serving(server) } }

  /// Says that the server takes no more calls.
  func drains() {
    phase.withLock { phase in
      if case .serving(let server) = phase { phase = .draining(server) }
    }
  }

  /// The page at `path`.
  func answer(_ path: String) -> AdminAnswer? {
    switch path {
    case "/healthz": AdminAnswer(content: "alive\n")
    case "/readyz": readiness
    case "/metrics": AdminAnswer(contentType: Exposition.contentType, content: metrics)
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
    return exposition.text
  }
}
