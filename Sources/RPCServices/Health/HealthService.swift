public import RPCCore
import Synchronization

/// `grpc.health.v1.Health` over a table of services that the program keeps current. The empty name stands for the
/// server as a whole (grpc/doc/health-checking.md).
public final class HealthService: Grpc_Health_V1_Health {
  private struct State {
    var isServing: [String: Bool]
    var isShutDown = false
    var watches = 0
  }

  private let state: Mutex<State>
  private let changed = ChangeSignal()
  private let watchesMax: Int

  /// Knows the server and `services`, all of them serving. At most `watchesMax` callers watch at once: a watch needs no
  /// role and has no end, so that it could be had again and again until there is no memory for other calls.
  public init(services: [String], watchesMax: Int = 1000) {
    self.watchesMax = watchesMax
    state = Mutex(State(isServing: Dictionary(([""] + services).map { ($0, true) }, uniquingKeysWith: { $1 })))
  }

  /// Says whether a service is serving.
  public func set(_ service: String, isServing: Bool) {
    state.withLock { state in
      if !state.isShutDown { state.isServing[service] = isServing }
    }
    changed.notify()
  }

  /// Says that nothing is serving any more, and ends all watches with UNAVAILABLE.
  public func shutDown() {
    state.withLock { state in
      state.isShutDown = true
      for service in state.isServing.keys { state.isServing[service] = false }
    }
    changed.notify()
  }

  private typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

  private func status(of service: String) -> Status? {
    state.withLock { $0.isServing[service] }.map { $0 ? .serving : .notServing }
  }

  // MARK: The calls

  /// The status of one service; NOT_FOUND for one it does not know.
  public func check(
    _ request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Health_V1_HealthCheckResponse> {
    guard let status = status(of: request.service) else {
      throw RPCError(.notFound, "unknown service \"\(request.service)\"")
    }
    return try ServerResponse(.with { $0.status = status })
  }

  /// The status of every service.
  public func list(
    _ request: Grpc_Health_V1_HealthListRequest, context: ServerContext
  ) async throws -> ServerResponse<Grpc_Health_V1_HealthListResponse> {
    let isServing = state.withLock { $0.isServing }
    return try ServerResponse(
      .with { response in
        response.statuses = isServing.mapValues { serving in .with { $0.status = serving ? .serving : .notServing } }
      })
  }

  /// The status now and whenever it changes; SERVICE_UNKNOWN while it does not know the service. RESOURCE_EXHAUSTED
  /// where there are as many watches as there may be.
  public func watch(
    _ request: Grpc_Health_V1_HealthCheckRequest,
    to responses: ResponseWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext
  ) async throws {
    try beginWatch()
    defer { state.withLock { $0.watches -= 1 } }
    var last: Status?
    while true {
      let generation = changed.generation
      let status = status(of: request.service) ?? .serviceUnknown
      if status != last {
        try await responses.send(.with { $0.status = status })
        last = status
      }
      if state.withLock({ $0.isShutDown }) { throw RPCError(.unavailable, "the server is shutting down") }
      try await changed.wait(after: generation)
    }
  }

  private func beginWatch() throws {
    let hasRoom = state.withLock { state in
      guard state.watches < watchesMax else { return false }
      state.watches += 1
      return true
    }
    if !hasRoom { throw RPCError(.resourceExhausted, "health is watched \(watchesMax) times already") }
  }
}
