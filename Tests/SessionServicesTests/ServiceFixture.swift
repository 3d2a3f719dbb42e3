import Foundation
import ProtobufC
import ProtobufWellKnownTypes
import RPCCore
import RPCInProcess
import RPCServices
import RPCTestSupport
import RPCTransport
import RepositoryConformance
import SessionAPI
import SessionDomain

@testable import SessionServices
@testable import SessionStore

/// The services on a real store in a directory of its own.
struct ServiceFixture: Sendable {
  let repository: any SessionRepository
  let changes: CommittedChanges
  let sessions: SessionServiceClient
  let lifecycle: LifecycleServiceClient
  let events: EventServiceClient
  let templates: TemplateServiceClient
  let affinities: AffinityServiceClient
  let messages: MessageServiceClient
  let messageHandler: MessageHandler
  let metrics: MetricsServiceClient
  let health: SessionHealthServiceClient
  /// Puts a session on the message bus, which no call does.
  let register: @Sendable (String) async throws -> Void
  /// What the services take for the time.
  let now: Observed<ContinuousClock.Instant>
  /// The clocks of the store; the second only where the settings say so.
  let clock: ManualClock
  let monotonicClock: ManualMonotonicClock
}

struct FixtureSettings: Sendable {
  var store = SessionStoreSettings(path: "")
  var eventsMax = 65_536
  var sessionBytesMax = 64 << 20
  var features = LifecycleHandler.Features()
  var enableAffinity = true
  /// Whether timers go by a clock that stands still until it is moved.
  var stopsTime = false
  /// Whether they are called over a socket, on one event loop.
  var isOnSocket = false
  /// What stands between the services and the store.
  var wrap: @Sendable (any SessionRepository) -> any SessionRepository = { $0 }
}

/// Runs `body` against the services; the store is closed and its directory removed afterwards.
func withServices(
  _ configure: (inout FixtureSettings) -> Void = { _ in }, _ body: (ServiceFixture) async throws -> Void
) async throws {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  var settings = FixtureSettings()
  settings.store.path = directory.appendingPathComponent("sessions.db").path
  settings.store.maxSessions = 100_000
  configure(&settings)

  let changes = CommittedChanges(sessionBytesMax: settings.sessionBytesMax, eventsMax: settings.eventsMax)
  let clock = ManualClock()
  let monotonicClock = ManualMonotonicClock()
  let timer: any MonotonicClock = settings.stopsTime ? monotonicClock : ContinuousClock()
  let store = try SQLiteSessionRepository(
    settings: settings.store, clock: clock, monotonicClock: timer,
    idGenerator: MonotonicIDGenerator(clock: clock), observer: changes)
  let repository = settings.wrap(store)
  let now = Observed(ContinuousClock.now)
  let messageHandler = MessageHandler(repository: store, isAffinityEnabled: settings.enableAffinity)
  let services: [any RPCService] = [
    SessionHandler(repository: repository, changes: changes),
    LifecycleHandler(repository: store, features: settings.features),
    EventHandler(repository: repository, changes: changes, now: { now.value }),
    TemplateHandler(repository: store),
    AffinityHandler(repository: store, isEnabled: settings.enableAffinity), messageHandler,
    MetricsHandler(
      repository: store, changes: changes, isEnabled: settings.store.recordsMetrics,
      interval: settings.store.metricsInterval, clock: timer),
    SessionHealthHandler(repository: store, changes: changes),
  ]
  let (transport, stop) = try await serve(services, isOnSocket: settings.isOnSocket)
  let fixture = ServiceFixture(
    repository: repository, changes: changes, sessions: SessionServiceClient(transport),
    lifecycle: LifecycleServiceClient(transport), events: EventServiceClient(transport),
    templates: TemplateServiceClient(transport), affinities: AffinityServiceClient(transport),
    messages: MessageServiceClient(transport), messageHandler: messageHandler,
    metrics: MetricsServiceClient(transport), health: SessionHealthServiceClient(transport),
    register: { try await store.register($0) }, now: now, clock: clock, monotonicClock: monotonicClock)
  do {
    try await body(fixture)
  } catch {
    try await stop()
    await store.close()
    throw error
  }
  try await stop()
  await store.close()
}

/// A way to call services, and what ends it.
private func serve(
  _ services: [any RPCService], isOnSocket: Bool
) async throws -> (any ClientTransport, stop: () async throws -> Void) {
  guard isOnSocket else { return (InProcessTransport(services: services), {}) }
  let server = RPCServer(services: services, threads: 1)
  let client = try RPCClient(host: "127.0.0.1", port: try await server.start(host: "127.0.0.1", port: 0).port ?? 0)
  return (
    client,
    {
      await client.close(grace: .zero)
      try await server.shutDown(grace: .zero)
    }
  )
}

extension SQLiteSessionRepository {
  fileprivate func register(_ text: String) async throws {
    try await committer.submit { (writer) throws(SessionError) in
      try storing { () throws(StorageFailure) in
        guard let id = SessionID(text), let session = try writer.find(id) else { return }
        var registered = session
        registered.registration = Registration(
          messageTypes: [], priority: nil, registerTime: writer.clockTime, isDraining: false)
        _ = try writer.replace(session, with: registered, events: [])
      }
    }
  }
}

extension Google_Protobuf_Struct {
  /// The members; none where there is something wrong with them.
  var members: [String: JSONValue] {
    var violations: [SessionDomain.FieldViolation] = []
    let members = json(at: "", &violations)
    return violations.isEmpty ? members : [:]
  }
}

extension ServiceFixture {
  @discardableResult
  func create(
    _ name: String, _ type: SessionAPI.SessionType = .active,
    set: (inout SessionAPI.Session) -> Void = { _ in }
  ) async throws -> SessionAPI.Session {
    var session = SessionAPI.Session.with {
      $0.type = type
      $0.name = name
      $0.workspace = "/work"
    }
    set(&session)
    let input = session
    return try await sessions.createSession(.with { $0.session = input }).session ?? .init()
  }

  @discardableResult
  func update(
    _ id: String, _ mask: String..., set: (inout SessionAPI.Session) -> Void
  ) async throws -> SessionAPI.Session {
    var session = SessionAPI.Session.with { $0.id = id }
    set(&session)
    let input = session
    return try await sessions.updateSession(
      .with {
        $0.session = input
        $0.updateMask = .with { $0.paths = mask }
      }
    ).session ?? .init()
  }

  func get(_ id: String) async throws -> SessionAPI.Session {
    try await sessions.getSession(.with { $0.sessionID = id }).session ?? .init()
  }

  /// Returns once no watch has an event before it.
  func waitForWatchers() async {
    while changes.figures.lagMax > 0 { await Task.yield() }
  }

  /// Opens a watch.
  func watch(_ set: (inout WatchEventsRequest) -> Void = { _ in }) async throws -> Watch {
    Watch(try await events.watchEvents(.with { set(&$0) }))
  }
}

/// A watch's items, one at a time, each within a limit of time.
struct Watch {
  typealias Item = WatchEventsResponse.OneOf_Item

  private var iterator: ResponseStream<WatchEventsResponse>.AsyncIterator

  init(_ responses: ResponseStream<WatchEventsResponse>) { iterator = responses.makeAsyncIterator() }

  /// The next item; nil at the end.
  mutating func next() async throws -> Item? { try await iterator.next()?.item }

  /// The sequence of the bookmark that is next.
  mutating func bookmark() async throws -> Int64? {
    guard case .bookmark(let bookmark) = try await next() else { return nil }
    return bookmark.sequence
  }

  /// The event that is next.
  mutating func event() async throws -> SessionAPI.SessionEvent? {
    guard case .event(let event) = try await next() else { return nil }
    return event
  }

  /// The sequences of the next events, up to and with `last`.
  mutating func sequences(upTo last: Int64) async throws -> [Int64] {
    var sequences: [Int64] = []
    while let item = try await next() {
      if case .event(let event) = item { sequences.append(event.sequence) }
      if sequences.last ?? 0 >= last { break }
    }
    return sequences
  }

  /// The snapshot's sessions and its sequence.
  mutating func snapshot() async throws -> (sessions: [SessionAPI.Session], sequence: Int64) {
    var sessions: [SessionAPI.Session] = []
    while let item = try await next() {
      switch item {
      case .session(let session): sessions.append(session)
      case .snapshotComplete(let complete): return (sessions, complete.sequence)
      case .event, .bookmark: return (sessions, -1)
      }
    }
    return (sessions, -1)
  }
}

/// A code with the reason of its ErrorInfo.
struct Refusal: Equatable, CustomStringConvertible {
  let code: StatusCode
  let reason: String
  var metadata: [String: String] = [:]

  var description: String { "\(code.name) \(reason) \(metadata)" }
}

/// What `body` is refused with; nil where it is not.
func refusal(_ body: () async throws -> some Sendable) async throws -> Refusal? {
  guard let error = await rpcError(body) else { return nil }
  return try Refusal(error)
}

extension Refusal {
  init(_ error: RPCError) throws {
    let info = try error.details.compactMap { detail -> Google_Rpc_ErrorInfo? in
      try detail.unpacked(as: Google_Rpc_ErrorInfo.self)
    }.first
    self.init(code: error.code, reason: info?.reason ?? "", metadata: info?.metadata ?? [:])
  }
}

extension RPCError {
  /// The details of the status in the trailers.
  var details: [Google_Protobuf_Any] {
    get throws {
      guard let bytes = trailers[binary: "grpc-status-details-bin"] else { return [] }
      return try bytes.withUnsafeBytes { try Google_Rpc_Status(decoding: $0) }.details
    }
  }
}

extension Google_Protobuf_Any {
  /// The message, if it is one of this type.
  func unpacked<Message: ProtobufMessage>(as type: Message.Type) throws -> Message? {
    guard typeURL == "type.googleapis.com/\(Message.fullName)" else { return nil }
    return try value.withUnsafeBytes { try Message(decoding: $0) }
  }
}
