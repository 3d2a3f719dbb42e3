import ProtobufWellKnownTypes
import SessionAPI

/// Chooses the next step of a sequence by what the model has: mostly what will succeed, and often what will not.
struct OperationGenerator {
  var random: SequenceRandom
  /// Lists that have a page left, by the step that asked for it.
  var openLists: [Int] = []
  /// Requests with an id that were sent, to be repeated.
  private var sent: [Call] = []
  private var deleted: [String] = []

  init(seed: UInt64) {
    random = SequenceRandom(seed: seed)
  }

  private static let kinds: [(weight: Int, value: Kind)] = [
    (80, .create), (70, .bootstrap), (40, .instantiate), (50, .clone), (20, .repeatRequest), (30, .get), (180, .update),
    (80, .delete), (60, .initialize), (60, .start), (40, .shutDown), (30, .forceShutDown), (2, .shutDownAll),
    (40, .cleanUp), (40, .migrate), (15, .createTemplate), (5, .getTemplate), (5, .listTemplates), (8, .deleteTemplate),
    (35, .setAffinity), (12, .getAffinity), (8, .deleteAffinity), (80, .resolve), (80, .list), (25, .nextPage),
    (25, .search), (30, .listEvents), (110, .pass), (2, .restart), (10, .ill), (30, .queue), (60, .report),
    (20, .metrics), (20, .stats),
  ]

  private enum Kind {
    case create, bootstrap, instantiate, clone, repeatRequest, get, update, delete, initialize, start, shutDown
    case forceShutDown, shutDownAll, cleanUp, migrate, createTemplate, getTemplate, listTemplates, deleteTemplate
    case setAffinity, getAffinity, deleteAffinity, resolve, list, nextPage, search, listEvents, pass, restart, ill
    case queue, report, metrics, stats
  }

  mutating func next(_ model: SessionModel) -> Operation {
    // So many sessions that most rules meet, and so few that each is met often.
    if model.sessions.count > 40, random.isChosen(1, in: 4) { return .call(delete(model, force: true)) }
    let operation = operation(random.pick(weighted: Self.kinds), model)
    if case .call(let call, _) = operation, call.hasRequestID {
      sent.append(call)
      if sent.count > 24 { sent.removeFirst() }
    }
    return operation
  }

  private mutating func operation(_ kind: Kind, _ model: SessionModel) -> Operation {
    switch kind {
    case .create:
      .call(
        .create(
          .with {
            $0.session = session(model); $0.requestID = requestID()
          }))
    case .bootstrap: .call(bootstrap(model))
    case .instantiate: .call(instantiate(model))
    case .clone: .call(clone(model))
    case .repeatRequest: .call(sent.isEmpty ? .create(.init()) : random.pick(sent))
    case .get: .call(.get(.with { $0.sessionID = id(model) }))
    case .update: .call(update(model), revision())
    case .delete: .call(delete(model, force: random.isChosen(1, in: 2)), revision())
    case .initialize:
      .call(
        .initialize(
          .with {
            $0.sessionID = id(model, .initializing); $0.resources = resources()
          }))
    case .start: .call(.start(.with { $0.sessionID = id(model, .initializing, .idle) }))
    case .shutDown, .forceShutDown, .shutDownAll, .cleanUp, .migrate: .call(ending(kind, model))
    case .createTemplate, .getTemplate, .listTemplates, .deleteTemplate: .call(templates(kind, model))
    case .setAffinity, .getAffinity, .deleteAffinity, .resolve: .call(affinities(kind, model))
    case .list: .call(list(model))
    case .nextPage:
      openLists.isEmpty
        ? .call(list(model)) : .nextPage(of: random.pick(openLists), pageSize: random.pick([0, 1, 2, 5, 1000]))
    case .search: .call(search(model))
    case .listEvents: .call(listEvents(model))
    case .pass: .pass(microseconds: duration(model))
    case .restart: .restart
    case .ill: .ill(known(model), random.isChosen(1, in: 2))
    case .queue: queue(model)
    case .report: .call(report(model))
    case .metrics: .call(.metrics(.with { $0.sessionID = id(model) }))
    case .stats: .call(.stats)
    }
  }

  // MARK: Sessions

  /// The id of a session, in one of the statuses where there is one; sometimes one that is none.
  private mutating func id(_ model: SessionModel, _ statuses: SessionStatus...) -> String {
    if random.isChosen(1, in: 16) {
      return random.pick(["", "nonsense", ServedStore.nobody, deleted.last ?? "", known(model).uppercased()])
    }
    if !statuses.isEmpty, random.isChosen(2, in: 3) {
      let ids = model.sessions.values.filter { statuses.contains($0.status) }.map(\.id).sorted()
      if !ids.isEmpty { return random.pick(ids) }
    }
    return known(model)
  }

  private mutating func known(_ model: SessionModel) -> String {
    model.sessions.isEmpty ? ServedStore.nobody : random.pick(model.sessions.keys.sorted())
  }

  private mutating func parent(_ model: SessionModel) -> String {
    random.isChosen(1, in: 2) ? "" : id(model)
  }

  private mutating func requestID() -> String {
    if random.isChosen(1, in: 60) { return String(repeating: "r", count: 65) }
    return random.isChosen(1, in: 3) ? "r\(random.pick(0..<40))" : ""
  }

  private mutating func reason() -> String {
    let bytes = random.isChosen(1, in: 20) ? random.pick([4096, 4097]) : 0
    return bytes > 0 ? String(repeating: "r", count: bytes) : random.pick(["", "", "because", "it broke"])
  }

  private mutating func revision() -> Revision {
    random.isChosen(1, in: 2) ? .asGiven : .current(offset: random.pick([0, 0, 0, -1, 1, -1_000_000]))
  }

  private mutating func session(_ model: SessionModel) -> Session {
    let values = random.isChosen(1, in: 8) ? Values.wrong : .right
    return .with {
      $0.type = random.pick(values.types)
      $0.name = random.pick(values.names)
      $0.workspace = random.pick(values.workspaces)
      $0.metadata = random.metadata(values)
      $0.capabilities = random.list(values.capabilities)
      $0.constraints = random.list(values.constraints)
      $0.environment = random.environment(values)
      $0.parentID = parent(model)
      // What the server fills in is ignored.
      if random.isChosen(1, in: 20) { ($0.id, $0.status, $0.revision) = ("mine", .active, 7) }
    }
  }

  private mutating func resources() -> ResourceRequest? {
    if random.isChosen(1, in: 8) { return nil }
    let values = random.isChosen(1, in: 8) ? Values.wrong : .right
    return .with {
      $0.memory = random.pick(values.bytes)
      $0.cpu = random.pick(values.cores)
      $0.disk = random.pick(values.bytes)
    }
  }

  private mutating func bootstrap(_ model: SessionModel) -> Call {
    .bootstrap(
      .with {
        $0.session = session(model)
        $0.resources = resources()
        $0.messageTypes = random.pick([[], [], ["COMMAND"], ["COMMAND", "ERROR"], ["command"], ["A", "A"]])
        $0.priority = random.pick([.unspecified, .unspecified, .low, .critical, .unrecognized(9)])
        $0.requestID = requestID()
      })
  }

  private mutating func clone(_ model: SessionModel) -> Call {
    .clone(
      .with {
        $0.sessionID = id(model)
        $0.name = random.isChosen(1, in: 2) ? "" : random.pick(Values.right.names)
        if random.isChosen(1, in: 12) { $0.name = random.pick(Values.wrong.names) }
        $0.resetState = random.isChosen(1, in: 2)
        $0.copyResources = random.isChosen(1, in: 2)
      })
  }

  private mutating func update(_ model: SessionModel) -> Call {
    let paths = [
      "name", "workspace", "capabilities", "constraints", "environment", "parent_id", "metadata", "metadata.k",
      "metadata.priority", "metadata.a.b", "metadata.nested",
    ]
    var mask = (0..<random.pick([0, 1, 1, 2, 3])).map { _ in random.pick(paths) }
    var input = session(model)
    input.id = id(model)
    input.status = random.pick([.active, .active, .idle, .completed, .error, .terminated, .initializing])
    input.statusReason = reason()
    if mask.isEmpty, random.isChosen(1, in: 2) {
      // An update of the status alone, without a mask.
      input = .with {
        $0.id = input.id
        $0.status = input.status
        $0.statusReason = input.statusReason
      }
    } else {
      if random.isChosen(1, in: 2) { mask += ["status", "status_reason"].prefix(random.pick([1, 2])) }
      if random.isChosen(1, in: 30) { mask.append(random.pick(["status_reason", "id", "nothing"])) }
      if random.isChosen(1, in: 40) { input.status = random.pick([.unspecified, .unrecognized(9)]) }
    }
    return .update(
      .with {
        $0.session = input
        $0.updateMask = mask.isEmpty ? nil : .with { $0.paths = mask }
        if random.isChosen(1, in: 100) { $0.expectedRevision = -1 }
      })
  }

  private mutating func delete(_ model: SessionModel, force: Bool) -> Call {
    let id = id(model, .completed, .terminated)
    if !id.isEmpty { deleted = deleted.suffix(10) + [id] }
    return .delete(
      .with {
        $0.sessionID = id
        $0.force = force
        $0.allowMissing = random.isChosen(1, in: 4)
        if random.isChosen(1, in: 100) { $0.expectedRevision = -1 }
      })
  }

  // MARK: Ends and moves

  private mutating func ending(_ kind: Kind, _ model: SessionModel) -> Call {
    let reason = reason()
    let isDeep = random.isChosen(1, in: 2)
    // Nobody moves the clock while a call waits: no call may wait.
    let timeout = Google_Protobuf_Duration.with { $0.nanos = random.isChosen(1, in: 16) ? -1 : 0 }
    return switch kind {
    case .shutDown:
      .shutDown(
        .with {
          $0.sessionID = id(model, .active, .idle)
          ($0.reason, $0.cascade, $0.timeout) = (reason, isDeep, timeout)
        })
    case .forceShutDown:
      .forceShutDown(
        .with {
          $0.sessionID = id(model)
          ($0.reason, $0.cascade) = (reason, isDeep)
        })
    case .cleanUp: .cleanUp(.with { $0.sessionID = id(model, .completed, .terminated) })
    case .migrate:
      .migrate(
        .with {
          $0.sessionID = id(model, .active, .idle)
          $0.workspace = random.pick(random.isChosen(1, in: 12) ? Values.wrong.workspaces : Values.right.workspaces)
          ($0.preserveState, $0.timeout) = (isDeep, timeout)
        })
    default: .shutDownAll(.with { $0.reason = reason })
    }
  }

  private mutating func duration(_ model: SessionModel) -> Int64 {
    let timeout = model.settings.sessionTimeout == 0 ? 60_000_000 : model.settings.sessionTimeout
    let times: [(weight: Int, time: Range<Int64>)] = [
      (30, 1..<10_000), (30, 10_000..<5_000_000), (20, 5_000_000..<30_000_000), (4, timeout - 1..<timeout + 2),
      (4, timeout..<2 * timeout), (2, 600_000_000..<600_000_001), (2, 3_600_000_000..<3_700_000_000),
      (1, 86_399_999_999..<86_400_000_002),
    ]
    return random.pick(random.pick(weighted: times.map { ($0.weight, $0.time) }))
  }

  private mutating func queue(_ model: SessionModel) -> Operation {
    let registered = model.sessions.values.filter { $0.registration != nil }.map(\.id).sorted()
    guard !registered.isEmpty else { return .pass(microseconds: 1) }
    let counts = [(0, 0), (0, 0), (1, 0), (0, 1), (3, 2)].map { ModelQueue(waiting: $0.0, inDelivery: $0.1) }
    return .queue(random.pick(registered), random.pick(counts))
  }

  private mutating func report(_ model: SessionModel) -> Call {
    .report(
      (0..<random.pick([0, 1, 1, 2, 5])).map { _ in
        .with {
          $0.sessionID = id(model, .active, .idle)
          $0.memoryUsageBytes = random.pick([0, 1 << 20, 2 << 30])
          $0.cpuUsage = random.pick([0, 0.5, 3])
          $0.tasksProcessed = random.pick([0, 1, 2, 1000])
          $0.tasksFailed = min($0.tasksProcessed, random.pick([0, 0, 1]))
          if random.isChosen(1, in: 2) { $0.responseTimesMs = [12, 0.5].suffix(Int($0.tasksProcessed)) }
          guard random.isChosen(1, in: 10) else { return }
          switch random.pick(0..<5) {
          case 0: $0.memoryUsageBytes = -1
          case 1: $0.cpuUsage = random.pick([-0.5, .nan, .infinity])
          case 2: $0.tasksFailed = $0.tasksProcessed + 1
          case 3: $0.tasksFailed = -1
          default: $0.responseTimesMs = [-1]
          }
        }
      })
  }

  // MARK: Templates

  private mutating func templates(_ kind: Kind, _ model: SessionModel) -> Call {
    let names = ["t1", "t2", "t3", "data.v-1_x"]
    let name = random.pick(random.isChosen(1, in: 12) ? ["", "T", "a b", String(repeating: "n", count: 129)] : names)
    switch kind {
    case .createTemplate:
      let session = session(model)
      return .createTemplate(
        .with {
          $0.template = .with {
            ($0.name, $0.type, $0.metadata) = (name, session.type, session.metadata)
            ($0.capabilities, $0.constraints) = (session.capabilities, session.constraints)
            $0.environment = session.environment
          }
        })
    case .getTemplate: return .getTemplate(.with { $0.name = name })
    case .deleteTemplate: return .deleteTemplate(.with { $0.name = name })
    default: return .listTemplates(.with { $0.pageSize = random.pick([0, 1, 2, -1, 2000]) })
    }
  }

  private mutating func instantiate(_ model: SessionModel) -> Call {
    let session = session(model)
    return .instantiate(
      .with {
        $0.templateName = random.pick(["t1", "t2", "t3", "data.v-1_x", "t1", "t2", "none", ""])
        ($0.name, $0.workspace, $0.metadata) = (session.name, session.workspace, session.metadata)
        $0.capabilities = random.isChosen(1, in: 3) ? session.capabilities : []
        $0.constraints = random.isChosen(1, in: 3) ? session.constraints : []
        ($0.environment, $0.parentID) = (session.environment, session.parentID)
        $0.requestID = requestID()
      })
  }

  // MARK: Affinities

  private mutating func affinities(_ kind: Kind, _ model: SessionModel) -> Call {
    let owners = model.affinities.keys.sorted()
    let owner = owners.isEmpty || random.isChosen(1, in: 6) ? id(model) : random.pick(owners)
    switch kind {
    case .getAffinity: return .getAffinity(.with { $0.sessionID = owner })
    case .deleteAffinity: return .deleteAffinity(.with { $0.sessionID = owner })
    case .resolve:
      return .resolve(
        .with {
          $0.sessionID = owner
          $0.affinityKey = random.isChosen(1, in: 6) ? "" : "key\(random.pick(0..<6))"
        })
    default: break
    }
    let able = model.sessions.values.filter { $0.registration != nil && $0.type != .observer }.map(\.id).sorted()
    return .setAffinity(
      .with {
        $0.affinity = .with {
          $0.sessionID = id(model)
          $0.targets = (0..<random.pick([0, 1, 2, 3, 3, 4, 4])).map { _ in
            .with {
              $0.sessionID = able.isEmpty || random.isChosen(1, in: 10) ? id(model) : random.pick(able)
              $0.weight = random.pick([0, 0, 1, 2, 5])
              if random.isChosen(1, in: 40) { $0.weight = -1 }
            }
          }
          $0.strategy = random.pick([.unspecified, .roundRobin, .leastLoaded, .weighted, .weighted, .consistentHash])
          if random.isChosen(1, in: 40) { $0.strategy = .unrecognized(9) }
          $0.healthCheckInterval = random.pick([nil, nil, .with { $0.seconds = 1 }, .with { $0.nanos = 500_000 }])
          if random.isChosen(1, in: 40) { $0.healthCheckInterval = .with { $0.seconds = random.pick([0, -1]) } }
        }
      })
  }
}

extension Call {
  fileprivate var hasRequestID: Bool {
    switch self {
    case .create(let request): !request.requestID.isEmpty
    case .bootstrap(let request): !request.requestID.isEmpty
    case .instantiate(let request): !request.requestID.isEmpty
    default: false
    }
  }
}
