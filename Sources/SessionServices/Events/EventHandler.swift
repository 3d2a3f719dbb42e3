public import RPCCore
public import SessionAPI
public import SessionDomain

/// `orchestration.session.v1.EventService` over a repository and the newest events in memory.
public struct EventHandler: EventService {
  private let repository: any SessionRepository
  private let changes: CommittedChanges
  private let now: @Sendable () -> ContinuousClock.Instant

  /// Serves the events of `repository`, whose commits go to `changes`; `now` tells how long a stream was quiet.
  public init(
    repository: any SessionRepository, changes: CommittedChanges,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.repository = repository
    self.changes = changes
    self.now = now
  }

  /// Streams events as they commit.
  public func watchEvents(
    _ request: WatchEventsRequest, to responses: ResponseWriter<WatchEventsResponse>, context: ServerContext
  ) async throws {
    let start = try WatchStart(request)
    let filter = try EventFilter(
      kinds: request.kinds, sessionIDs: request.sessionIds, types: request.sessionTypes)
    var scope: ObserverScope?
    if !request.observerID.isEmpty {
      scope = try await ObserverScope(observer: request.observerID, repository: repository)
    }
    let watch = EventWatch(
      repository: repository, feed: changes.feed, filter: filter, scope: scope, responses: responses,
      lane: context.lane, now: now)
    try await answering { try await watch.run(from: start) }
  }

  /// A page of history.
  public func listEvents(
    _ request: ListEventsRequest, context: ServerContext
  ) async throws -> ServerResponse<ListEventsResponse> {
    var violations: [FieldViolation] = []
    if request.pageSize < 0 {
      violations.append(FieldViolation(path: "page_size", description: "1 to 1000, or 0 for 100"))
    }
    if request.afterSequence < 0 { violations.append(.negativeSequence) }
    let filter = try EventFilter(
      kinds: request.kinds, sessionIDs: request.sessionIds, types: request.sessionTypes, besides: violations)
    let limit = request.pageSize == 0 ? 100 : min(Int(request.pageSize), 1000)
    let page = try await answering {
      // From 0, history starts wherever it starts; from anywhere else nothing may be missing.
      try await repository.events(
        request.afterSequence == 0 ? .oldest : .after(request.afterSequence), filter, limit: limit)
    }
    return try ServerResponse(
      .with {
        $0.events = page.events.map { .init($0) }
        $0.nextAfterSequence = page.hasMore ? page.lastSequence : 0
      })
  }
}

/// Where a watch starts.
enum WatchStart {
  case now
  case after(Int64)
  case oldest
  case snapshot

  init(_ request: WatchEventsRequest) throws {
    let chosen = [request.includeSnapshot, request.afterSequence != 0, request.fromOldest].filter { $0 }.count
    guard chosen <= 1 else {
      throw RPCError([
        FieldViolation(
          path: "after_sequence",
          description: "at most one of include_snapshot, after_sequence and from_oldest may be given")
      ])
    }
    guard request.afterSequence >= 0 else { throw RPCError([.negativeSequence]) }
    if request.includeSnapshot {
      self = .snapshot
    } else if request.fromOldest {
      self = .oldest
    } else {
      self = request.afterSequence == 0 ? .now : .after(request.afterSequence)
    }
  }
}

extension FieldViolation {
  static let negativeSequence = FieldViolation(
    path: "after_sequence", description: "the sequence of an event, or 0 for none")
}

extension EventFilter {
  /// The filter of a request.
  /// - Throws: INVALID_ARGUMENT with everything that is wrong with it, after `besides`.
  init(
    kinds: [SessionAPI.EventKind], sessionIDs: [String], types: [SessionAPI.SessionType],
    besides: [FieldViolation] = []
  ) throws {
    var violations = besides
    self.init()
    for (index, kind) in kinds.enumerated() {
      if let known = SessionDomain.EventKind(rawValue: kind.rawValue) {
        self.kinds.insert(known)
      } else {
        violations.append(FieldViolation(path: "kinds[\(index)]", description: "a kind of event that exists"))
      }
    }
    for (index, type) in types.enumerated() {
      if let known = SessionDomain.SessionType(rawValue: type.rawValue) {
        self.types.insert(known)
      } else {
        violations.append(.unknownType("session_types[\(index)]"))
      }
    }
    // Text that no session can have as its id matches none, like an id that does not exist yet: the nil UUID, which
    // the server never chooses, stands for it.
    self.sessionIDs = Set(sessionIDs.map { SessionID($0) ?? SessionID(high: 0, low: 0) })
    guard violations.isEmpty else { throw RPCError(violations) }
  }
}
