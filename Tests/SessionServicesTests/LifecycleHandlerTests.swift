import ProtobufWellKnownTypes
import RPCCore
import RPCServices
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

extension ServiceFixture {
  fileprivate func bootstrap(
    _ name: String = "a", set: (inout BootstrapSessionRequest) -> Void = { _ in }
  ) async throws -> SessionAPI.Session {
    var request = BootstrapSessionRequest.with {
      $0.session = .with {
        $0.type = .active
        $0.name = name
        $0.workspace = "/work"
      }
    }
    set(&request)
    return try await lifecycle.bootstrapSession(request).session ?? .init()
  }
}

/// LifecycleService over a real store.
@Suite(.timeLimit(.minutes(5))) struct LifecycleHandlerTests {
  @Test func aSessionIsBroughtUpStepByStep() async throws {
    try await withServices { services in
      let created = try await services.create("a")
      let initialized = try await services.lifecycle.initializeSession(
        .with {
          $0.sessionID = created.id
          $0.resources = .with {
            $0.memory = "512m"
            $0.cpu = "1.5"
            $0.disk = "1Gi"
          }
        }
      ).session
      #expect(
        initialized?.resources
          == .with {
            $0.memoryBytes = 512 << 20
            $0.cpuMillicores = 1500
            $0.diskBytes = 1 << 30
          })
      let started = try await services.lifecycle.startSession(.with { $0.sessionID = created.id }).session
      #expect(started?.status == .active && started?.startTime != nil)
      #expect(try await services.get(created.id) == started)
    }
  }

  @Test func aSessionIsBroughtUpAtOnce() async throws {
    try await withServices { services in
      let session = try await services.bootstrap {
        $0.resources = .with { $0.memory = "1g" }
        $0.messageTypes = ["COMMAND"]
        $0.priority = .high
        $0.requestID = "r1"
      }
      #expect(session.status == .active && session.resources?.memoryBytes == 1 << 30)
      #expect(session.registration?.messageTypes == ["COMMAND"] && session.registration?.priority == .high)
      let again = try await services.bootstrap {
        $0.resources = .with { $0.memory = "1g" }
        $0.messageTypes = ["COMMAND"]
        $0.priority = .high
        $0.requestID = "r1"
      }
      #expect(again == session)
      // Every field of the request is part of what is repeated.
      let others: [@Sendable (inout BootstrapSessionRequest) -> Void] = [
        { $0.resources = .with { $0.memory = "2g" } }, { $0.resources?.cpu = "1" }, { $0.resources?.disk = "1" },
        { $0.messageTypes = [] }, { $0.priority = .low }, { $0.session?.name = "b" },
      ]
      for change in others {
        let reused = try await refusal {
          try await services.bootstrap {
            $0.resources = .with { $0.memory = "1g" }
            $0.messageTypes = ["COMMAND"]
            $0.priority = .high
            $0.requestID = "r1"
            change(&$0)
          }
        }
        #expect(reused?.reason == "REQUEST_ID_REUSED")
      }
    }
  }

  @Test func everythingWrongWithARequestIsToldAtOnce() async throws {
    try await withServices { services in
      let bootstrap = try await violations {
        try await services.bootstrap("") {
          $0.session?.metadata = .with { $0.fields = ["k": .init()] }
          $0.resources = .with { $0.memory = "x" }
          $0.messageTypes = ["command"]
          $0.priority = .unrecognized(7)
        }
      }
      #expect(
        bootstrap == [
          "session.name", "session.metadata.k", "resources.memory", "message_types[0]", "priority",
        ])
      let none = try await violations { try await services.lifecycle.bootstrapSession(.init()) }
      #expect(none == ["session"])
      let initialize = try await violations {
        try await services.lifecycle.initializeSession(.with { $0.resources = .with { $0.cpu = "x" } })
      }
      #expect(initialize == ["session_id", "resources.cpu"])
      let shutdown = try await violations {
        try await services.lifecycle.shutdownSession(
          .with {
            $0.sessionID = "nonsense"
            $0.timeout = .with { $0.seconds = -1 }
          })
      }
      #expect(shutdown == ["timeout"])
      let migrate = try await violations {
        try await services.lifecycle.migrateSession(.with { $0.timeout = .with { $0.nanos = 1_000_000_000 } })
      }
      #expect(migrate == ["session_id", "workspace", "timeout"])
      let clone = try await violations {
        try await services.lifecycle.cloneSession(.with { $0.name = String(repeating: "n", count: 257) })
      }
      #expect(clone == ["session_id", "name"])
    }
  }

  private static let calls: [@Sendable (LifecycleServiceClient, String) async throws -> Void] = [
    { client, id in _ = try await client.initializeSession(.with { $0.sessionID = id }) },
    { client, id in _ = try await client.startSession(.with { $0.sessionID = id }) },
    { client, id in _ = try await client.shutdownSession(.with { $0.sessionID = id }) },
    { client, id in _ = try await client.forceShutdownSession(.with { $0.sessionID = id }) },
    { client, id in _ = try await client.cleanupSession(.with { $0.sessionID = id }) },
    { client, id in
      _ = try await client.migrateSession(
        .with {
          $0.sessionID = id
          $0.workspace = "/new"
        })
    }, { client, id in _ = try await client.cloneSession(.with { $0.sessionID = id }) },
  ]

  @Test(arguments: calls.indices) func aSessionThatIsNotThereIsNotFound(index: Int) async throws {
    try await withServices { services in
      for id in ["nonsense", "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let missing = try await refusal { try await Self.calls[index](services.lifecycle, id) }
        #expect(missing == Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": id]))
      }
      let none = try await refusal { try await Self.calls[index](services.lifecycle, "") }
      #expect(none == Refusal(code: .invalidArgument, reason: "INVALID_FIELD", metadata: ["field": "session_id"]))
    }
  }

  @Test func sessionsAreShutDownAndCleanedUp() async throws {
    try await withServices { services in
      let top = try await services.bootstrap("top") { $0.resources = .with { $0.memory = "1g" } }
      let child = try await services.bootstrap("child") { $0.session?.parentID = top.id }
      let ended = try await services.lifecycle.shutdownSession(
        .with {
          $0.sessionID = child.id
          $0.timeout = .with { $0.nanos = 1 }
        }
      ).session
      #expect(ended?.status == .terminated && ended?.statusReason == "normal" && ended?.registration == nil)
      let forced = try await services.lifecycle.forceShutdownSession(
        .with {
          $0.sessionID = top.id
          $0.cascade = true
        })
      #expect(forced.session?.statusReason == "forced" && forced.deadLettered == 0)
      let clean = try await services.lifecycle.cleanupSession(.with { $0.sessionID = top.id }).session
      #expect(clean?.resources == nil && forced.session?.resources != nil)
    }
  }

  @Test func everythingIsShutDownAtOnce() async throws {
    try await withServices { services in
      let top = try await services.create("top")
      let child = try await services.create("child") { $0.parentID = top.id }
      let response = try await services.lifecycle.emergencyShutdown(.with { $0.reason = "fire" })
      #expect(response.terminatedSessionIds == [child.id, top.id])
      #expect(try await services.get(top.id).statusReason == "fire")
    }
  }

  @Test func sessionsAreMovedAndCopied() async throws {
    try await withServices { services in
      let session = try await services.bootstrap {
        $0.session?.metadata = Google_Protobuf_Struct(["k": .string("v")])
        $0.resources = .with { $0.memory = "1g" }
      }
      let moved = try await services.lifecycle.migrateSession(
        .with {
          $0.sessionID = session.id
          $0.workspace = "/new"
          $0.preserveState = true
        }
      ).session
      #expect(moved?.workspace == "/new" && moved?.metadata == session.metadata && moved?.registration != nil)
      let clone = try await services.lifecycle.cloneSession(
        .with {
          $0.sessionID = session.id
          $0.copyResources = true
        }
      ).session
      #expect(clone?.name == "a-clone" && clone?.status == .active && clone?.clonedFrom == session.id)
      #expect(clone?.resources == session.resources && clone?.registration == nil)
      let fresh = try await services.lifecycle.cloneSession(
        .with {
          $0.sessionID = session.id
          $0.name = "fresh"
          $0.resetState = true
        }
      ).session
      #expect(fresh?.name == "fresh" && fresh?.status == .initializing && fresh?.resources == nil)
      let bare = try await services.lifecycle.migrateSession(
        .with {
          $0.sessionID = session.id
          $0.workspace = "/newer"
        }
      ).session
      #expect(bare?.metadata == nil && bare?.registration == nil && bare?.workspace == "/newer")
    }
  }

  @Test func whatIsSwitchedOffIsRefusedBeforeAnythingElse() async throws {
    try await withServices({
      $0.features.migration = false
      $0.features.emergencyShutdown = false
    }) { services in
      let session = try await services.create("a")
      let migrate = try await refusal { try await services.lifecycle.migrateSession(.init()) }
      #expect(
        migrate
          == Refusal(code: .unimplemented, reason: "FEATURE_DISABLED", metadata: ["setting": "enableMigration"]))
      let emergency = try await refusal { try await services.lifecycle.emergencyShutdown(.init()) }
      #expect(
        emergency
          == Refusal(code: .unimplemented, reason: "FEATURE_DISABLED", metadata: ["setting": "enableEmergencyShutdown"])
      )
      #expect(try await services.get(session.id) == session)
    }
  }

  @Test(arguments: [
    (0, 0, Duration.zero), (0, 1, .nanoseconds(1)), (30, 500_000_000, .milliseconds(30_500)),
    (315_576_000_000, 0, .seconds(315_576_000_000)), (-1, 0, nil), (0, -1, nil), (0, 1_000_000_000, nil),
    (315_576_000_001, 0, nil), (Int64.max, 0, nil), (Int64.min, Int32.min, nil),
  ])
  func durationsAreRead(seconds: Int64, nanos: Int32, expected: Duration?) {
    var violations: [SessionDomain.FieldViolation] = []
    let duration = Google_Protobuf_Duration.with {
      $0.seconds = seconds
      $0.nanos = nanos
    }.duration(at: "timeout", &violations)
    #expect(duration == expected ?? .zero)
    #expect(violations.map(\.path) == (expected == nil ? ["timeout"] : []))
  }
}
