import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

@Suite struct MappingTests {
  @Test(
    arguments: [
      .null, .bool(true), .bool(false), .number(0), .number(-1.5), .number(1e300), .string(""), .string("text ä"),
      .array([]), .array([.null, .number(1), .array([.string("a")])]), .object([:]),
      .object(["a": .object(["b": .array([.bool(true), .null])]), "": .string("empty key")]),
    ] as [JSONValue])
  func jsonGoesThereAndBack(value: JSONValue) throws {
    let message = Google_Protobuf_Value(value)
    #expect(json(message) == value)
    // Over the wire too.
    let bytes = try message.encoded()
    #expect(json(try bytes.withUnsafeBytes { try Google_Protobuf_Value(decoding: $0) }) == value)
  }

  /// The value; nil where something is wrong with it.
  private func json(_ message: Google_Protobuf_Value) -> JSONValue? {
    var violations: [SessionDomain.FieldViolation] = []
    let value = message.json(at: "value", &violations)
    return violations.isEmpty ? value : nil
  }

  @Test func aValueWithNothingSetIsAViolationAtItsPlace() {
    let message = Google_Protobuf_Struct.with {
      $0.fields = [
        "list": .with { $0.kind = .listValue(.with { $0.values = [Google_Protobuf_Value(.null), .init()] }) },
        "object": .with { $0.kind = .structValue(.with { $0.fields = ["inner": .init()] }) },
        "plain": .init(),
      ]
    }
    var violations: [SessionDomain.FieldViolation] = []
    _ = message.json(at: "metadata", &violations)
    #expect(violations.map(\.path).sorted() == ["metadata.list[1]", "metadata.object.inner", "metadata.plain"])
  }

  @Test(
    arguments: [
      (0, 0, 0), (1, 0, 1000), (1_500_000, 1, 500_000_000), (-1, -1, 999_999_000), (-1_000_000, -1, 0),
      (-1_000_001, -2, 999_999_000), (Int64.max, 9_223_372_036_854, 775_807_000),
      (Int64.min, -9_223_372_036_855, 224_192_000),
    ] as [(Int64, Int64, Int32)])
  func timesCountNanosecondsForward(row: (microseconds: Int64, seconds: Int64, nanos: Int32)) {
    let timestamp = Google_Protobuf_Timestamp(SessionDomain.Timestamp(microseconds: row.microseconds))
    #expect(timestamp.seconds == row.seconds)
    #expect(timestamp.nanos == row.nanos)
  }

  @Test func aSessionKeepsEveryField() throws {
    let time = SessionDomain.Timestamp(microseconds: 5_000_000)
    let id = SessionID(high: 1, low: 2)
    var session = SessionDomain.Session(
      id: id, type: .department, name: "name", status: .idle, workspace: "/work", createTime: time, revision: 9)
    session.metadata = ["key": .number(1)]
    session.capabilities = ["c"]
    session.constraints = ["max-memory:1g"]
    session.environment = ["PATH": "/bin"]
    session.parentID = SessionID(high: 3, low: 4)
    session.resources = .init(memoryBytes: 1, cpuMillicores: 2, diskBytes: 3)
    session.registration = .init(messageTypes: ["COMMAND"], priority: .high, registerTime: time, isDraining: true)
    session.templateName = "template"
    session.clonedFrom = SessionID(high: 5, low: 6)
    session.statusReason = "reason"
    session.startTime = time
    session.endTime = time
    let message = SessionAPI.Session(session)
    #expect(message.id == id.description)
    #expect(message.type == .department)
    #expect(message.status == .idle)
    #expect(message.metadata?.members == ["key": .number(1)])
    #expect(message.parentID == session.parentID?.description)
    #expect(message.resources?.memoryBytes == 1 && message.resources?.diskBytes == 3)
    #expect(message.resources?.cpuMillicores == 2)
    #expect(message.registration?.messageTypes == ["COMMAND"])
    #expect(message.registration?.priority == .high)
    #expect(message.registration?.draining == true)
    #expect(message.templateName == "template")
    #expect(message.clonedFrom == session.clonedFrom?.description)
    #expect(message.statusReason == "reason")
    #expect(message.createTime?.seconds == 5 && message.startTime?.seconds == 5 && message.endTime?.seconds == 5)
    #expect(message.revision == 9)
    let draft = SessionDraft(message)
    #expect(draft.malformed.isEmpty)
    #expect(draft.type == .department)
    #expect(draft.name == "name" && draft.workspace == "/work")
    #expect(draft.metadata == session.metadata)
    #expect(draft.capabilities == ["c"] && draft.constraints == ["max-memory:1g"])
    #expect(draft.environment == ["PATH": "/bin"])
    #expect(draft.parentID == message.parentID)
  }

  @Test func whatIsMissingIsAbsent() {
    let session = SessionDomain.Session(
      id: .init(high: 1, low: 2), type: .active, name: "n", workspace: "/", createTime: .init(microseconds: 0),
      revision: 1)
    let message = SessionAPI.Session(session)
    #expect(message.metadata == nil && message.resources == nil && message.registration == nil)
    #expect(message.startTime == nil && message.endTime == nil)
    #expect(message.parentID.isEmpty && message.templateName.isEmpty && message.clonedFrom.isEmpty)
  }

  @Test func everyNumberOfTheDomainIsOneOfTheContract() {
    #expect(
      SessionDomain.SessionType.allCases.map { SessionAPI.SessionType(rawValue: $0.rawValue) } == [
        .director, .department, .observer, .active,
      ])
    #expect(
      SessionDomain.SessionStatus.allCases.map { SessionAPI.SessionStatus(rawValue: $0.rawValue) } == [
        .initializing, .active, .idle, .completed, .error, .terminated,
      ])
    #expect(
      SessionDomain.EventKind.allCases.map { SessionAPI.EventKind(rawValue: $0.rawValue) } == [
        .created, .updated, .statusChanged, .error, .terminated, .deleted, .registered, .deregistered, .migrated,
        .healthChanged,
      ])
  }

  @Test func theDigestOfADraftIsOfItsContent() {
    func draft(_ change: (inout SessionDraft) -> Void = { _ in }) -> [UInt8] {
      var draft = SessionDraft(
        type: .active, name: "n", workspace: "/w", metadata: ["a": .number(1), "b": .number(2)],
        environment: ["A": "1", "B": "2"])
      change(&draft)
      return draft.digest
    }
    // Dictionaries of one run order alike; made in another order they may not.
    var reordered: [String: JSONValue] = [:]
    for key in ["b", "a"] { reordered[key] = .number(key == "a" ? 1 : 2) }
    let same = draft { $0.metadata = reordered }
    let plain = draft()
    #expect(plain == same)
    let changes: [(inout SessionDraft) -> Void] = [
      { $0.type = .director }, { $0.name = "m" }, { $0.workspace = "/x" }, { $0.metadata["a"] = .number(3) },
      { $0.capabilities = ["c"] }, { $0.constraints = ["c"] }, { $0.environment["A"] = "3" }, { $0.parentID = "p" },
    ]
    for change in changes {
      let other = draft(change)
      #expect(other != plain)
    }
  }
}
