import Foundation
import ProtobufWellKnownTypes
import RPCCore
import RPCInProcess
import RPCServices
import RPCTestSupport
import RepositoryConformance
import SessionAPI
import SessionDomain
import Synchronization

@testable import SessionServices
@testable import SessionStore

/// The services on a real store, called without sockets, that can be stopped and started again on the same file.
final class ServedStore: Sendable {
  let clock = ManualClock()
  let monotonicClock = ManualMonotonicClock()
  let health = ManualHealth()
  let queues = HeldMessages()
  let step = Mutex(0)
  let commits = CommitMirror()
  private let directory: URL
  private let settings: SessionStoreSettings
  private let cacheBytesMax: Int
  private let open = Mutex<(store: SQLiteSessionRepository, services: ServiceFixture)?>(nil)

  init(_ settings: ModelSettings, cacheBytesMax: Int) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    self.settings = SessionStoreSettings(settings, path: directory.appendingPathComponent("sessions.db").path)
    self.cacheBytesMax = cacheBytesMax
    try start()
  }

  /// The services, while they are there.
  var services: ServiceFixture {
    get throws {
      guard let services = open.withLock({ $0?.services }) else { throw Stopped() }
      return services
    }
  }

  struct Stopped: Error {}

  private func start() throws {
    let changes = CommittedChanges(sessionBytesMax: cacheBytesMax, eventsMax: 256)
    commits.follow(changes)
    let store = try SQLiteSessionRepository(
      settings: settings, clock: clock, monotonicClock: monotonicClock, idGenerator: StepIDs(store: self),
      observer: commits, healthLook: health, queues: queues)
    let now = Observed(ContinuousClock.now)
    let messageHandler = MessageHandler(repository: store)
    let transport = InProcessTransport(services: [
      SessionHandler(repository: store, changes: changes), LifecycleHandler(repository: store),
      EventHandler(repository: store, changes: changes, now: { now.value }), TemplateHandler(repository: store),
      AffinityHandler(repository: store), messageHandler,
      MetricsHandler(repository: store, changes: changes, clock: monotonicClock),
      SessionHealthHandler(repository: store, changes: changes),
    ])
    let services = ServiceFixture(
      repository: store, changes: changes, sessions: SessionServiceClient(transport),
      lifecycle: LifecycleServiceClient(transport), events: EventServiceClient(transport),
      templates: TemplateServiceClient(transport), affinities: AffinityServiceClient(transport),
      messages: MessageServiceClient(transport), messageHandler: messageHandler,
      metrics: MetricsServiceClient(transport), health: SessionHealthServiceClient(transport), register: { _ in },
      now: now, clock: clock, monotonicClock: monotonicClock)
    open.withLock { $0 = (store, services) }
  }

  func restart() async throws {
    await close()
    try start()
  }

  func inconsistencies() async throws -> [String] {
    guard let store = open.withLock({ $0?.store }) else { throw Stopped() }
    return try await store.inconsistencies()
  }

  /// Lets time pass on all clocks, and the store look at them, which it does with any change.
  func pass(microseconds: Int64) async throws {
    clock.advance(by: .microseconds(microseconds))
    monotonicClock.advance(by: .microseconds(microseconds))
    _ = try await services.sessions.deleteSession(
      .with {
        $0.sessionID = Self.nobody
        $0.allowMissing = true
      })
  }

  /// An id that no session ever has.
  static let nobody = "01900000-0000-7000-8000-000000000000"

  func close() async {
    let store = open.withLock { open in
      defer { open = nil }
      return open?.store
    }
    await store?.close()
  }

  /// Closes the store and removes its file.
  func discard() async {
    await close()
    // What stays in the directory for temporary files is the system's to remove.
    try? FileManager.default.removeItem(at: directory)
  }
}

extension SessionStoreSettings {
  fileprivate init(_ settings: ModelSettings, path: String) {
    self.init(path: path)
    maxSessions = settings.maxSessions
    // Whose changes are events, which the model does not know.
    enableHealthChecks = false
    sessionTimeout = .microseconds(settings.sessionTimeout)
    capacity.memoryBytes = settings.capacityMemory
    capacity.cpuMillicores = settings.capacityCPU
    capacity.diskBytes = settings.capacityDisk
    eventRetention = .microseconds(settings.eventRetention)
    eventRetentionCount = settings.eventRetentionCount
    requestRetention = .microseconds(settings.requestRetention)
  }
}

/// Ids by the number of the step that asks for them, so that a step gets the same one whatever was done before.
struct StepIDs: IDGenerator {
  private unowned let store: ServedStore

  init(store: ServedStore) {
    self.store = store
  }

  func next() -> SessionID { Self.id(step: store.step.withLock { $0 }) }

  static func id(step: Int) -> SessionID {
    SessionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0001_0000 + UInt64(step) << 16)
  }
}

/// What the store tells of its commits, on the way to the services.
final class CommitMirror: CommitObserver {
  private struct State {
    var changes: CommittedChanges?
    var events: [SessionAPI.SessionEvent] = []
    var sessions: [String: SessionAPI.Session] = [:]
  }

  private let state = Mutex(State())

  func follow(_ changes: CommittedChanges) { state.withLock { $0.changes = changes } }

  func committed(_ commit: Commit) {
    let changes = state.withLock { state in
      state.events += commit.events.map { .init($0) }
      for session in commit.sessions { state.sessions[session.id.description] = .init(session) }
      for id in commit.deleted { state.sessions[id.description] = nil }
      return state.changes
    }
    changes?.committed(commit)
  }

  /// The events since the last time, and all sessions as the last commits left them.
  func take() -> (events: [SessionAPI.SessionEvent], sessions: [String: SessionAPI.Session]) {
    state.withLock { state in
      defer { state.events = [] }
      return (state.events, state.sessions)
    }
  }
}

/// Sessions are as well as their status says, and worse where the sequence says so.
final class ManualHealth: HealthLook {
  private let illnesses = Mutex<[SessionID: String]>([:])

  func illness(by signs: VitalSigns) -> String? {
    if let illness = illnesses.withLock({ $0[signs.sessionID] }) { return illness }
    return [.error, .terminated].contains(signs.status) ? "its status is \(signs.status)" : nil
  }

  /// Makes a session ill, or with nil well again.
  func set(_ id: SessionID, _ illness: String?) {
    illnesses.withLock { $0[id] = illness }
  }
}

/// What a message bus would hold, as the sequence says.
final class HeldMessages: MessageQueues {
  private let queues = Mutex<[SessionID: ModelQueue]>([:])

  subscript(id: SessionID) -> ModelQueue {
    get { queues.withLock { $0[id] ?? ModelQueue() } }
    set { queues.withLock { $0[id] = newValue } }
  }

  func pendingCount(of id: SessionID, by writer: Writer) -> Int { self[id].pending }

  func inDeliveryCount(of id: SessionID, by writer: Writer) -> Int { self[id].inDelivery }

  func discardAll(of id: SessionID, reason: String, by writer: Writer) -> Int {
    queues.withLock { $0.removeValue(forKey: id)?.pending ?? 0 }
  }

  func pauseDeliveries(to id: SessionID) {}

  func resumeDeliveries(to id: SessionID) {}
}

// MARK: Calls

extension ServedStore {
  /// What the services answer.
  func perform(_ call: Call) async throws -> Answer {
    do {
      return try await answer(call)
    } catch let error as RPCError {
      return .refused(try ModelRefusal(error))
    }
  }

  private func answer(_ call: Call) async throws -> Answer {
    let services = try services
    switch call {
    case .create(let request): return .of(try await services.sessions.createSession(request).session)
    case .get(let request): return .of(try await services.sessions.getSession(request).session)
    case .update(let request): return .of(try await services.sessions.updateSession(request).session)
    case .delete(let request): return .deleted(try await services.sessions.deleteSession(request).deleted)
    case .list(let request, _, _):
      let page = try await services.sessions.listSessions(request)
      return .page(
        page.sessions, total: Int(page.totalSize), sequence: page.sequence, token: page.nextPageToken)
    case .search(let request): return .sessions(try await services.sessions.searchSessions(request).sessions)
    case .bootstrap(let request): return .of(try await services.lifecycle.bootstrapSession(request).session)
    case .initialize(let request): return .of(try await services.lifecycle.initializeSession(request).session)
    case .start(let request): return .of(try await services.lifecycle.startSession(request).session)
    case .shutDown(let request): return .of(try await services.lifecycle.shutdownSession(request).session)
    case .forceShutDown(let request):
      let response = try await services.lifecycle.forceShutdownSession(request)
      return .forced(response.session ?? .init(), deadLettered: Int(response.deadLettered))
    case .shutDownAll(let request):
      return .ids(try await services.lifecycle.emergencyShutdown(request).terminatedSessionIds)
    case .cleanUp(let request): return .of(try await services.lifecycle.cleanupSession(request).session)
    case .migrate(let request): return .of(try await services.lifecycle.migrateSession(request).session)
    case .clone(let request): return .of(try await services.lifecycle.cloneSession(request).session)
    case .instantiate(let request): return .of(try await services.templates.instantiateTemplate(request).session)
    case .createTemplate, .getTemplate, .listTemplates, .deleteTemplate: return try await answerTemplates(call)
    case .setAffinity, .getAffinity, .deleteAffinity, .resolve: return try await answerAffinities(call)
    case .listEvents(let request, _):
      let page = try await services.events.listEvents(request)
      return .events(page.events, next: page.nextAfterSequence == 0 ? nil : page.nextAfterSequence)
    case .report, .metrics, .stats: return try await answerMetrics(call)
    }
  }

  private func answerMetrics(_ call: Call) async throws -> Answer {
    let metrics = try services.metrics
    switch call {
    case .report(let reports):
      let response = try await metrics.reportActivity { writer in
        for report in reports { try await writer.send(report) }
      }
      return .reported(accepted: response.accepted, rejected: response.rejected.map(\.index))
    case .metrics(let request):
      let metrics = try await metrics.getPerformanceMetrics(request).metrics ?? .init()
      return .meter(.init(tasks: metrics.tasksProcessed, memory: metrics.memoryUsageBytes, cpu: metrics.cpuUsage))
    default: return .stats(try await metrics.getSessionStats(.init()).stats ?? .init())
    }
  }

  private func answerTemplates(_ call: Call) async throws -> Answer {
    let templates = try services.templates
    switch call {
    case .createTemplate(let request): return .template(try await templates.createTemplate(request).template ?? .init())
    case .getTemplate(let request): return .template(try await templates.getTemplate(request).template ?? .init())
    case .listTemplates(var request):
      var all: [SessionAPI.Template] = []
      repeat {
        let page = try await templates.listTemplates(request)
        all += page.templates
        request.pageToken = page.nextPageToken
      } while !request.pageToken.isEmpty
      return .templates(all)
    case .deleteTemplate(let request): _ = try await templates.deleteTemplate(request)
    default: break
    }
    return .nothing
  }

  private func answerAffinities(_ call: Call) async throws -> Answer {
    let affinities = try services.affinities
    switch call {
    case .setAffinity(let request):
      return .affinity(try await affinities.setSessionAffinity(request).affinity ?? .init())
    case .getAffinity(let request):
      return .affinity(try await affinities.getSessionAffinity(request).affinity ?? .init())
    case .deleteAffinity(let request): _ = try await affinities.deleteSessionAffinity(request)
    case .resolve(let request): return .target(try await affinities.resolveAffinity(request).targetSessionID)
    default: break
    }
    return .nothing
  }
}

extension Answer {
  fileprivate static func of(_ session: SessionAPI.Session?) -> Answer { .session(session ?? .init()) }
}

extension ModelRefusal {
  init(_ error: RPCError) throws {
    let refusal = try Refusal(error)
    let request = try error.details.compactMap { try $0.unpacked(as: Google_Rpc_BadRequest.self) }.first
    self.init(
      code: refusal.code, reason: refusal.reason, metadata: refusal.metadata,
      paths: Set(request?.fieldViolations.map(\.field) ?? []))
  }
}

// MARK: What no call says

extension ServedStore {
  func setHealth(of id: String, isIll: Bool) {
    if let id = SessionID(id) { health.set(id, isIll ? "is ill" : nil) }
  }

  func setQueue(of id: String, _ queue: ModelQueue) {
    if let id = SessionID(id) { queues[id] = queue }
  }
}
