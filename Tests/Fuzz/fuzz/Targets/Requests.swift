import ProtobufC
import ProtobufWellKnownTypes
import RPCCore
import RPCServices
import SessionAPI
@testable import SessionDomain

@testable import SessionServices

extension FuzzTarget {
  static let requests = FuzzTarget("requests", messages: requestMessages)
  static let requestValues = [listRequest, updateMask, monitoringTargets]

  private static let files: [FileDescriptor] = [
    .orchestration_session_v1_affinity_service_proto, .orchestration_session_v1_event_service_proto,
    .orchestration_session_v1_health_service_proto, .orchestration_session_v1_lifecycle_service_proto,
    .orchestration_session_v1_message_service_proto, .orchestration_session_v1_metrics_service_proto,
    .orchestration_session_v1_session_service_proto, .orchestration_session_v1_template_service_proto,
    .grpc_health_v1_health_proto, .grpc_reflection_v1_reflection_proto, .grpc_reflection_v1alpha_reflection_proto,
  ]

  /// What every method takes that is served: one that is left out ends the program.
  private static let requestMessages: [Decoded] = {
    let messages = writtenRequests + otherRequests
    do {
      let missing = try ServedMethods.requestNames(declaredIn: files).subtracting(messages.map(\.name))
      expect(missing.isEmpty, "no sample of \(missing.sorted().joined(separator: ", "))")
    } catch {
      fatalError("a proto file describes itself wrongly: \(error)")
    }
    return messages
  }()

  private static let writtenRequests = [
    Decoded(
      CreateSessionRequest.with {
        $0.session = .with {
          $0.type = .director
          $0.name = "main"
          $0.workspace = "/w"
          $0.metadata = Google_Protobuf_Struct(["k": .array([.number(1), .null, .object([:])])])
          $0.capabilities = ["a", "b"]
          $0.environment = ["A": "1", "B": ""]
        }
        $0.requestID = "r"
      }),
    Decoded(GetSessionRequest.with { $0.sessionID = "01890a5d-ac96-774b-bcce-b302099a8057" }),
    Decoded(UpdateSessionRequest.with { $0.session = .with { $0.status = .active } }),
    Decoded(
      ListSessionsRequest.with {
        $0.where = "name = ?"
        $0.params = [.with { $0.kind = .stringValue("a") }]
        $0.orderBy = [.with { $0.field = "name" }]
        $0.types = [.director, .observer]
      }),
    Decoded(Grpc_Health_V1_HealthCheckRequest.with { $0.service = "a" }),
    Decoded(Grpc_Reflection_V1_ServerReflectionRequest.with { $0.messageRequest = .fileContainingSymbol("a.B") }),
    Decoded(Grpc_Reflection_V1alpha_ServerReflectionRequest.with { $0.messageRequest = .fileByFilename("a.proto") }),
  ]

  private static let otherRequests = [
    Decoded(DeleteSessionRequest()), Decoded(SearchSessionsRequest()),
    Decoded(BootstrapSessionRequest()), Decoded(InitializeSessionRequest()), Decoded(StartSessionRequest()),
    Decoded(ShutdownSessionRequest()), Decoded(ForceShutdownSessionRequest()), Decoded(EmergencyShutdownRequest()),
    Decoded(CleanupSessionRequest()), Decoded(MigrateSessionRequest()), Decoded(CloneSessionRequest()),
    Decoded(WatchEventsRequest()), Decoded(ListEventsRequest()),
    Decoded(CreateTemplateRequest()), Decoded(GetTemplateRequest()), Decoded(ListTemplatesRequest()),
    Decoded(DeleteTemplateRequest()), Decoded(InstantiateTemplateRequest()),
    Decoded(SetSessionAffinityRequest()), Decoded(GetSessionAffinityRequest()),
    Decoded(DeleteSessionAffinityRequest()), Decoded(ResolveAffinityRequest()),
    Decoded(RegisterSessionRequest()), Decoded(DeregisterSessionRequest()), Decoded(SendMessageRequest()),
    Decoded(ReceiveMessagesRequest()), Decoded(AcknowledgeMessagesRequest()), Decoded(ListDeadLettersRequest()),
    Decoded(CheckSessionHealthRequest()), Decoded(WatchSessionHealthRequest()),
    Decoded(GetSessionStatsRequest()), Decoded(GetPerformanceMetricsRequest()),
    Decoded(WatchPerformanceMetricsRequest()), Decoded(ReportActivityRequest()),
    Decoded(Grpc_Health_V1_HealthListRequest()),
  ]

  // MARK: What is in them

  /// A request for a list.
  private static let listRequest = FuzzTarget(
    "list-request",
    seeds: [
      Decoded(
        ListSessionsRequest.with {
          $0.where = "name = ? AND metadata->>'k' IN (?, ?) OR type = ?"
          $0.params = [.stringValue("a"), .numberValue(1), .boolValue(true), .nullValue(.nullValue)].map { kind in
            .with { $0.kind = kind }
          }
          $0.orderBy = [
            .with { $0.field = "metadata->'o'->>'k'" }, .with { ($0.field, $0.direction) = ("name", .desc) },
          ]
          $0.types = [.director, .observer]
          $0.statuses = [.active, .error]
          $0.page = 2
        }
      ).sample,
      Decoded(
        ListSessionsRequest.with {
          $0.where = "name = ?"
          $0.params = [.with { $0.kind = .listValue(.init()) }, .init(), .with { $0.kind = .numberValue(.nan) }]
          $0.types = [.unspecified, .unrecognized(99)]
          $0.statuses = [.unrecognized(-1)]
          $0.orderBy = [.with { ($0.field, $0.direction) = ("a", .unrecognized(7)) }, .with { $0.field = "a'" }]
          $0.pageSize = -1
        }
      ).sample,
    ], words: ["name = ?", "?", "metadata->>'k'", " IN (?)", " DESC"]
  ) { input in
    guard let request = try? input.takeRest().withExactCopy({ try ListSessionsRequest(decoding: $0) }) else { return }
    let query: SessionQuery
    do {
      query = try SessionQuery(request)
    } catch let error as RPCError {
      return expect(error.code == .invalidArgument && !error.trailers.isEmpty, "a list is refused by \(error)")
    }
    expect(query.types.map(\.rawValue) == request.types.map(\.rawValue), "types differ")
    expect(query.statuses.map(\.rawValue) == request.statuses.map(\.rawValue), "statuses differ")
    expect(query.pageSize == request.pageSize && query.page == request.page, "the page is another")
    expect(query.order.count == request.orderBy.count, "the order has other fields")
    for (order, asked) in zip(query.order, request.orderBy) {
      expect(order.isDescending == (asked.direction == .desc), "\(asked.field) is ordered the other way")
      _ = try database.values(order.field)
    }
    guard let condition = query.condition else {
      return expect(request.where.isEmpty && request.params.isEmpty, "the condition is left out")
    }
    let parameters = request.params.map { value -> ConditionValue in
      switch value.kind {
      case .boolValue(let value): .bool(value)
      case .numberValue(let value): .number(value)
      case .stringValue(let value): .string(value)
      case .nullValue, .listValue, .structValue, nil: .null
      }
    }
    expect(try Condition.parse(request.where, parameters: parameters) == condition, "the parameters are others")
    _ = try database.truths(condition)
  }

  /// Which values there are, and then paths of a mask.
  private static let updateMask = FuzzTarget(
    "update-mask",
    seeds: [
      [255], [255] + ["name", "metadata.k", "metadata"].flatMap { FuzzInput.piece($0) },
      [0] + FuzzInput.piece("parent_id"),
      [255] + ["status_reason"].flatMap { FuzzInput.piece($0) },
      [7] + ["status", "other", "metadata."].flatMap { FuzzInput.piece($0) },
      [255] + ["metadata.a.b", "Name", "name", "name"].flatMap { FuzzInput.piece($0) },
    ], words: plainPaths + ["metadata.", "k", "\u{301}"]
  ) { input in
    let given = input.takeByte()
    var change = SessionChange(values: SessionDraft(type: nil, name: "", workspace: ""))
    let isGiven: [Bool] = plainPaths.indices.map { $0 == 8 || given & 1 << UInt8($0) != 0 }
    for (path, isGiven) in zip(plainPaths, isGiven) where isGiven { set(path, of: &change) }
    while !input.isEmpty { change.mask.append(input.takeText()) }
    let checked = change.check()
    guard let edit = checked.value else { return expect(false, "a change is none") }

    let taken: [Bool] = change.mask.isEmpty ? isGiven : plainPaths.map { change.mask.contains($0) }
    // By bytes, unlike what is checked.
    let prefix = Array("metadata.".utf8)
    var members: Set<String> = taken[8] ? ["k", "l"] : []
    for path in change.mask where path.utf8.starts(with: prefix) {
      members.insert(String(decoding: path.utf8.dropFirst(prefix.count), as: UTF8.self))
    }
    let unknown = change.mask.filter { !plainPaths.contains($0) && !$0.utf8.starts(with: prefix) }
    let refused = checked.violations.filter { $0.path == "update_mask" }
    expect(refused.count == unknown.count, "\(unknown) are unknown, and \(refused.count) are refused")
    func check(_ isChanged: Bool, _ number: Int) {
      expect(isChanged == taken[number], "\(plainPaths[number]) is taken otherwise than by \(change.mask)")
    }
    check(edit.name != nil, 0)
    check(edit.workspace != nil, 3)
    check(edit.capabilities != nil, 4)
    check(edit.constraints != nil, 5)
    check(edit.environment != nil, 6)
    check(edit.parent != nil, 7)
    expect(taken[1] || edit.move == nil, "\(change.mask) moves a session")
    expect(Set(edit.metadata.keys) == members, "\(change.mask) takes \(edit.metadata.keys) of the metadata")
  }

  private static let plainPaths = [
    "name", "status", "status_reason", "workspace", "capabilities", "constraints", "environment", "parent_id",
    "metadata",
  ]

  // To something else than its default.
  private static func set(_ path: String, of change: inout SessionChange) {
    switch path {
    case "name": change.values.name = "a"
    case "status": change.status = SessionDomain.SessionStatus.active.rawValue
    case "status_reason": change.statusReason = "b"
    case "workspace": change.values.workspace = "/w"
    case "capabilities": change.values.capabilities = ["c"]
    case "constraints": change.values.constraints = ["timeout:1"]
    case "environment": change.values.environment = ["E": "e"]
    case "parent_id": change.values.parentID = "01890a5d-ac96-774b-bcce-b302099a8057"
    default: change.values.metadata = ["k": .number(1), "l": .null]
    }
  }

  /// A candidate, and what is watched.
  private static let monitoringTargets = FuzzTarget(
    "monitoring-targets",
    seeds: [
      ["agent-7", "agent-*"], ["abcabd", "*abd", "a*b*d", "**", "*"], ["aaaa", "a*a*a*a*a", "aa*aa"], ["", "", "*"],
      ["a*b", "a*b"], ["\u{E4}", "\u{E4}*", "a\u{308}"], ["abababac", "*ababac*"],
    ].map { $0.flatMap { FuzzInput.piece($0) } }, words: ["*", "**", "*a", "ab*"]
  ) { input in
    let candidate = input.takeText()
    var targets: [String] = []
    while !input.isEmpty { targets.append(input.takeText()) }
    let isWatched = targets.contains { matches($0.utf8[...], candidate.utf8[...]) }
    expect(MonitoringTargets(targets).match(candidate) == isWatched, "\(targets) watch \(candidate) wrongly")
    let patterns = targets.count { $0.utf8.contains(UInt8(ascii: "*")) }
    expect(
      (MonitoringTargets(checking: targets) != nil) == (patterns <= MonitoringTargets.patternsMax),
      "\(patterns) patterns")
  }

  // Where a pattern of so many bytes ends, for every beginning of the candidate.
  private static func matches(_ pattern: Substring.UTF8View, _ candidate: Substring.UTF8View) -> Bool {
    let bytes = Array(candidate)
    var ends = [true] + Array(repeating: false, count: bytes.count)
    for byte in pattern {
      var next = Array(repeating: false, count: bytes.count + 1)
      for index in next.indices {
        next[index] =
          byte == UInt8(ascii: "*")
          ? ends[index] || (index > 0 && next[index - 1]) : index > 0 && ends[index - 1] && bytes[index - 1] == byte
      }
      ends = next
    }
    return ends[bytes.count]
  }
}
