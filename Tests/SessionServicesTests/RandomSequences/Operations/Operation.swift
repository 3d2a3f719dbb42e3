import SessionAPI

/// One step of a random sequence. It names what it is about by what holds in every run of the same sequence, so that
/// steps can be left out of it.
enum Operation {
  case call(Call, Revision = .asGiven)
  /// The page after one that the step with this number listed.
  case nextPage(of: Int, pageSize: Int32)
  case pass(microseconds: Int64)
  case restart
  /// A session falls ill, or is well again.
  case ill(String, Bool)
  /// So many messages wait for a session, and so many are in delivery to it.
  case queue(String, ModelQueue)
}

/// What `expected_revision` is to be.
enum Revision {
  case asGiven
  /// This much from where the session is.
  case current(offset: Int64)
}

/// Where in the history a call starts.
enum Position {
  case asGiven
  case afterNewest(Int64)
  case beforeOldest(Int64)
}

/// One call of a service.
enum Call {
  case create(CreateSessionRequest)
  case get(GetSessionRequest)
  case update(UpdateSessionRequest)
  case delete(DeleteSessionRequest)
  case list(ListSessionsRequest, ModelCondition, after: Session? = nil)
  case search(SearchSessionsRequest)
  case bootstrap(BootstrapSessionRequest)
  case initialize(InitializeSessionRequest)
  case start(StartSessionRequest)
  case shutDown(ShutdownSessionRequest)
  case forceShutDown(ForceShutdownSessionRequest)
  case shutDownAll(EmergencyShutdownRequest)
  case cleanUp(CleanupSessionRequest)
  case migrate(MigrateSessionRequest)
  case clone(CloneSessionRequest)
  case createTemplate(CreateTemplateRequest)
  case getTemplate(GetTemplateRequest)
  /// All of them, page by page.
  case listTemplates(ListTemplatesRequest)
  case deleteTemplate(DeleteTemplateRequest)
  case instantiate(InstantiateTemplateRequest)
  case setAffinity(SetSessionAffinityRequest)
  case getAffinity(GetSessionAffinityRequest)
  case deleteAffinity(DeleteSessionAffinityRequest)
  case resolve(ResolveAffinityRequest)
  case listEvents(ListEventsRequest, Position = .asGiven)
  case report([ReportActivityRequest])
  case metrics(GetPerformanceMetricsRequest)
  case stats
}

/// What came of a call.
enum Answer {
  case nothing
  case session(Session)
  case deleted(Bool)
  case forced(Session, deadLettered: Int)
  case ids([String])
  /// In the model, any token stands for all.
  case page([Session], total: Int, sequence: Int64, token: String)
  case sessions([Session])
  /// In the model, `next` is the next event that matches; from the service, where to go on.
  case events([SessionEvent], next: Int64?)
  case template(Template)
  case templates([Template])
  case affinity(Affinity)
  case target(String)
  /// Any of these, as long as it is always the same for the key.
  case targetOfKey(String, among: Set<String>)
  /// Which reports were rejected, by their place in the stream.
  case reported(accepted: Int64, rejected: [Int64])
  case meter(SessionModel.Meter)
  case stats(SessionStats)
  case refused(ModelRefusal)
}

extension Answer {
  /// Whether the services may answer `actual` where the model says this.
  func allows(_ actual: Answer) -> Bool {
    switch (self, actual) {
    case (.refused(let expected), .refused(let actual)):
      return expected.code == actual.code && expected.reason == actual.reason && expected.paths == actual.paths
        && expected.metadata.allSatisfy { actual.metadata[$0.key] == $0.value }
    case (.events(let expected, let next), .events(let actual, let position)):
      guard expected == actual else { return false }
      guard let next else { return true }
      return position.map { ((actual.last?.sequence ?? 0)..<next).contains($0) } ?? false
    case (.targetOfKey(_, let targets), .target(let target)): return targets.contains(target)
    case (.session(let expected), .session(let actual)):
      return expected == actual && expected.texts.elementsEqual(actual.texts) { $0.utf8.elementsEqual($1.utf8) }
    case (.forced(let expected, let count), .forced(let actual, let actualCount)):
      return expected == actual && count == actualCount
    case (.page(let expected, let total, let sequence, let token), .page(let actual, let sum, let last, let next)):
      return expected == actual && (total, sequence) == (sum, last) && token.isEmpty == next.isEmpty
    case (.nothing, .nothing): return true
    case (.deleted(let expected), .deleted(let actual)): return expected == actual
    case (.ids(let expected), .ids(let actual)): return expected == actual
    case (.sessions(let expected), .sessions(let actual)): return expected == actual
    case (.template(let expected), .template(let actual)): return isSame(expected, actual)
    case (.templates(let expected), .templates(let actual)): return expected == actual
    case (.affinity(let expected), .affinity(let actual)): return expected == actual
    case (.target(let expected), .target(let actual)): return expected == actual
    case (.reported(let expected, let rejected), .reported(let actual, let others)):
      return expected == actual && rejected == others
    case (.meter(let expected), .meter(let actual)): return expected == actual
    case (.stats(let expected), .stats(let actual)): return expected == actual
    default: return false
    }
  }
}

extension SessionModel {
  /// What a call does.
  mutating func perform(_ call: Call) throws(ModelRefusal) -> Answer {
    switch call {
    case .create(let request): try create(request)
    case .get(let request): try get(request)
    case .update(let request): try update(request)
    case .delete(let request): try delete(request)
    case .list(let request, let condition, let last): try list(request, condition, after: last)
    case .search(let request): try search(request)
    case .bootstrap(let request): try bootstrap(request)
    case .initialize(let request): try initialize(request)
    case .start(let request): try start(request)
    case .shutDown(let request): try shutDown(request)
    case .forceShutDown(let request): try forceShutDown(request)
    case .shutDownAll(let request): try shutDownAll(request)
    case .cleanUp(let request): try cleanUp(request)
    case .migrate(let request): try migrate(request)
    case .clone(let request): try clone(request)
    case .createTemplate(let request): try createTemplate(request)
    case .getTemplate(let request): .template(try getTemplate(request.name))
    case .listTemplates(let request):
      if request.pageSize < 0 { throw .invalid("page_size") } else { .templates(templatesByName) }
    case .deleteTemplate(let request): try deleteTemplate(request.name)
    case .instantiate(let request): try instantiate(request)
    case .setAffinity(let request): try setAffinity(request)
    case .getAffinity(let request): .affinity(try affinity(of: request.sessionID).affinity)
    case .deleteAffinity(let request): try deleteAffinity(of: request.sessionID)
    case .resolve(let request): try resolve(request)
    case .listEvents(let request, _): try listEvents(request)
    case .report(let reports): report(reports)
    case .metrics(let request): try metrics(request)
    case .stats: .stats(stats)
    }
  }
}

extension Call {
  /// The call with what it says about revisions and positions in numbers.
  func resolved(_ revision: Revision, in model: SessionModel) -> Call {
    switch (self, revision) {
    case (.update(var request), .current(let offset)):
      request.expectedRevision = model[request.session?.id.lowercased() ?? ""].revision + offset
      return .update(request)
    case (.delete(var request), .current(let offset)):
      request.expectedRevision = model[request.sessionID.lowercased()].revision + offset
      return .delete(request)
    case (.listEvents(var request, .afterNewest(let offset)), _):
      request.afterSequence = max(0, model.sequence + offset)
      return .listEvents(request)
    case (.listEvents(var request, .beforeOldest(let offset)), _):
      request.afterSequence = max(0, model.oldestSequence - offset)
      return .listEvents(request)
    default: return self
    }
  }

  /// The session that it is about, which it may change.
  var subject: String? {
    switch self {
    case .update(let request): request.session?.id
    case .initialize(let request): request.sessionID
    case .start(let request): request.sessionID
    case .shutDown(let request): request.sessionID
    case .forceShutDown(let request): request.sessionID
    case .cleanUp(let request): request.sessionID
    case .migrate(let request): request.sessionID
    case .clone(let request): request.sessionID
    default: nil
    }
  }
}
