import ProtobufWellKnownTypes
import RPCCore
import RPCTestSupport
import SessionAPI
import SessionDomain
import Testing

@testable import SessionServices

extension ServiceFixture {
  fileprivate func createReceiver(
    _ name: String = "receiver", set: (inout BootstrapSessionRequest) -> Void = { _ in }
  ) async throws -> String {
    var request = BootstrapSessionRequest.with {
      $0.session = .with {
        $0.type = .active
        $0.name = name
        $0.workspace = "/work"
      }
    }
    set(&request)
    return try await lifecycle.bootstrapSession(request).session?.id ?? ""
  }

  @discardableResult
  fileprivate func send(
    to receiver: String, set: (inout SendMessageRequest) -> Void = { _ in }
  ) async throws -> [SessionAPI.Message] {
    var request = SendMessageRequest.with {
      $0.message = .with {
        $0.type = "COMMAND"
        $0.toSessionID = receiver
      }
    }
    set(&request)
    return try await messages.sendMessage(request).messages
  }

  fileprivate func receive(_ id: String, max: Int32 = 0) async throws -> Deliveries {
    Deliveries(
      try await messages.receiveMessages(
        .with {
          $0.sessionID = id
          $0.maxInFlight = max
        }))
  }

  fileprivate func acknowledge(
    _ id: String, _ ids: [String], error: String = ""
  ) async throws -> AcknowledgeMessagesResponse {
    try await messages.acknowledgeMessages(
      .with {
        $0.sessionID = id
        $0.messageIds = ids
        $0.error = error
      })
  }
}

/// A stream's deliveries, one at a time.
private struct Deliveries {
  private var iterator: ResponseStream<ReceiveMessagesResponse>.AsyncIterator

  init(_ responses: ResponseStream<ReceiveMessagesResponse>) { iterator = responses.makeAsyncIterator() }

  mutating func next() async throws -> ReceiveMessagesResponse? { try await iterator.next() }
}

/// MessageService over a real store.
@Suite(.timeLimit(.minutes(5))) struct MessageHandlerTests {
  private static let payload = Google_Protobuf_Struct([
    "text": .string("é\u{1F600}"), "number": .number(-1.5), "yes": .bool(true), "nothing": .null,
    "list": .array([.number(1), .array([]), .object([:])]), "object": .object(["a": .object(["b": .string("")])]),
  ])

  @Test func aMessageArrivesAsItWasSent() async throws {
    try await withServices { services in
      let sender = try await services.create("sender").id
      let receiver = try await services.createReceiver()
      let sent = try await services.send(to: receiver) {
        $0.message?.fromSessionID = sender
        $0.message?.payload = Self.payload
        $0.message?.priority = .critical
        $0.message?.correlationID = "c1"
        $0.message?.expireTime = .with {
          $0.seconds = 4_000_000_000
          $0.nanos = 123_456_789
        }
        $0.message?.id = "ignored"
        $0.message?.deliveryAttempt = 9
      }.first
      let message = try #require(sent)
      #expect(message.payload == Self.payload && message.priority == .critical && message.correlationID == "c1")
      #expect(message.fromSessionID == sender && message.toSessionID == receiver && message.type == "COMMAND")
      #expect(
        message.expireTime
          == .with {
            $0.seconds = 4_000_000_000; $0.nanos = 123_456_000
          })
      #expect(message.deliveryAttempt == 0 && MessageID(message.id) != nil)
      var deliveries = try await services.receive(receiver)
      let response = try #require(try await deliveries.next())
      var expected = message
      expected.deliveryAttempt = 1
      #expect(response.message == expected)
      #expect(response.ackDeadline?.seconds == (message.sendTime?.seconds ?? 0) + 30)
      let acknowledged = try await services.acknowledge(receiver, [message.id, "x"])
      #expect(acknowledged.acknowledged == 1 && acknowledged.unknownMessageIds == ["x"])
    }
  }

  /// What is written by hand is what the generated code writes, apart from the order of a payload's fields.
  @Test func wireIsThatOfTheContract() throws {
    let id = SessionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
    let full = SessionDomain.Message(
      id: MessageID(id), type: "COMMAND", priority: .high, senderID: id, receiverID: id,
      payload: MessageWire.payloadField(try Self.payload.encoded()), correlationID: "c",
      sendTime: Timestamp(microseconds: -1), expireTime: Timestamp(microseconds: 1_000_000_000_000_001),
      deliveryAttempt: 300)
    var bare = full
    (bare.senderID, bare.payload, bare.correlationID, bare.deliveryAttempt) = (nil, [], "", 0)
    (bare.sendTime, bare.expireTime) = (Timestamp(microseconds: 0), Timestamp(microseconds: 5_000_000))
    let expected = [full, bare].map { message in
      SessionAPI.Message.with {
        $0.id = "\(id)"
        $0.type = "COMMAND"
        $0.priority = .high
        $0.fromSessionID = message.senderID?.description ?? ""
        $0.toSessionID = "\(id)"
        if !message.payload.isEmpty { $0.payload = Self.payload }
        $0.correlationID = message.correlationID
        $0.sendTime = .init(message.sendTime)
        $0.expireTime = .init(message.expireTime)
        $0.deliveryAttempt = Int32(message.deliveryAttempt)
      }
    }
    let time = Timestamp(microseconds: 7_000_001)
    for (message, expected) in zip([full, bare], expected) {
      let frame = MessageWire.delivery(Delivery(message: message, ackDeadline: time)).frame
      let decoded = try frame.withPayload { try ReceiveMessagesResponse(decoding: $0) }
      #expect(decoded.message == expected && decoded.ackDeadline == .init(time))
    }
    let sent = try MessageWire.sent([full, bare]).frame.withPayload { try SendMessageResponse(decoding: $0) }
    #expect(sent.messages == expected)
    let letters = [full, bare].map { DeadLetter(message: $0, reason: "r", time: time) }
    let page = try MessageWire.page(DeadLetterPage(deadLetters: letters, nextPageToken: "t")).frame.withPayload {
      try ListDeadLettersResponse(decoding: $0)
    }
    #expect(page.deadLetters.map { $0.message ?? .init() } == expected && page.nextPageToken == "t")
    #expect(page.deadLetters.allSatisfy { $0.reason == "r" && $0.time == .init(time) })
  }

  @Test func everythingWrongWithARequestIsToldAtOnce() async throws {
    try await withServices { services in
      let send = try await violations {
        try await services.send(to: "") {
          $0.message?.type = "command"
          $0.message?.payload = .with {
            $0.fields = [
              "z": .init(), "a": .with { $0.kind = .numberValue(.nan) },
              "l": .with { $0.kind = .listValue(.with { $0.values = [.init()] }) },
            ]
          }
          $0.message?.expireTime = .with { $0.nanos = -1 }
          $0.message?.priority = .unrecognized(9)
        }
      }
      #expect(
        send == [
          "message.type", "message.priority", "message.to_session_id", "message.expire_time", "message.payload.a",
          "message.payload.l[0]", "message.payload.z",
        ])
      #expect(try await violations { try await services.messages.sendMessage(.init()) } == ["message"])
      let register = try await violations {
        try await services.messages.registerSession(.with { $0.messageTypes = ["a"] })
      }
      #expect(register == ["session_id", "message_types[0]"])
      let deregister = try await violations {
        try await services.messages.deregisterSession(.with { $0.timeout = .with { $0.seconds = -1 } })
      }
      #expect(deregister == ["session_id", "timeout"])
      let receive = try await violations { () -> ReceiveMessagesResponse? in
        var deliveries = try await services.receive("", max: -1)
        return try await deliveries.next()
      }
      #expect(receive == ["session_id", "max_in_flight"])
      #expect(try await violations { try await services.acknowledge("", []) } == ["session_id"])
      let letters = try await violations { try await services.messages.listDeadLetters(.with { $0.pageSize = -1 }) }
      #expect(letters == ["page_size"])
    }
  }

  @Test(arguments: ["nonsense", "01890a5d-ac96-774b-bcce-b302099a8057"])
  func aSessionThatIsNotThereIsNotFound(id: String) async throws {
    try await withServices { services in
      let receiver = try await services.createReceiver()
      let calls: [@Sendable () async throws -> Void] = [
        { _ = try await services.send(to: id) },
        { _ = try await services.send(to: receiver) { $0.message?.fromSessionID = id } },
        { _ = try await services.send(to: "") { $0.affinityOf = id } },
        { _ = try await services.messages.registerSession(.with { $0.sessionID = id }) },
        { _ = try await services.messages.deregisterSession(.with { $0.sessionID = id }) },
        { _ = try await services.acknowledge(id, []) },
        {
          var deliveries = try await services.receive(id)
          _ = try await deliveries.next()
        },
      ]
      for call in calls {
        #expect(
          try await refusal(call)
            == Refusal(code: .notFound, reason: "SESSION_NOT_FOUND", metadata: ["session_id": id]))
      }
      let letters = try await services.messages.listDeadLetters(.with { $0.sessionID = id })
      #expect(letters.deadLetters.isEmpty)
    }
  }

  @Test func sessionsComeOnTheBusAndLeaveIt() async throws {
    try await withServices { services in
      let id = try await services.createReceiver()
      let registered = try await services.messages.registerSession(
        .with {
          $0.sessionID = id
          $0.messageTypes = ["COMMAND"]
          $0.priority = .high
        }
      ).session
      #expect(registered?.registration?.messageTypes == ["COMMAND"] && registered?.registration?.priority == .high)
      #expect(try await services.get(id) == registered)
      #expect(try await services.send(to: id).first?.priority == .high)
      var deliveries = try await services.receive(id)
      // With the first message, the call has begun.
      #expect(try await deliveries.next()?.message?.toSessionID == id)
      let left = try await services.messages.deregisterSession(.with { $0.sessionID = id })
      #expect(left.undelivered == 1 && left.session?.registration == nil)
      #expect(try await deliveries.next() == nil)
      let page = try await services.messages.listDeadLetters(.with { $0.sessionID = id })
      #expect(page.deadLetters.map(\.reason) == ["deregistered"])
    }
  }

  @Test func aCallerThatLeavesGivesItsMessagesBack() async throws {
    try await withServices { services in
      let receiver = try await services.createReceiver()
      try await services.send(to: receiver)
      let began = Observed(false)
      let first = Task {
        var deliveries = try await services.receive(receiver)
        _ = try await deliveries.next()
        began.open()
        _ = try await deliveries.next()
      }
      try await began.wait { $0 }
      first.cancel()
      _ = await first.result
      var second = try await services.receive(receiver)
      #expect(try await second.next()?.message?.deliveryAttempt == 2)
    }
  }

  @Test func streamsEndWithUnavailableAtShutdown() async throws {
    try await withServices { services in
      let receiver = try await services.createReceiver()
      var open = try await services.receive(receiver)
      try await services.send(to: receiver)
      _ = try await open.next()
      services.messageHandler.shutDown()
      #expect(try await refusal { try await open.next() }?.code == .unavailable)
      var late = try await services.receive(receiver)
      #expect(try await refusal { try await late.next() }?.code == .unavailable)
    }
  }

  @Test func affinitiesCanBeSwitchedOff() async throws {
    try await withServices {
      $0.enableAffinity = false
    } _: { services in
      let off = try await refusal { try await services.send(to: "") { $0.affinityOf = "x" } }
      #expect(
        off == Refusal(code: .unimplemented, reason: "FEATURE_DISABLED", metadata: ["setting": "enableAffinity"]))
      let receiver = try await services.createReceiver()
      #expect(try await services.send(to: receiver).count == 1)
    }
  }

  @Test func aRepeatedRequestIsKnownByItsBody() async throws {
    try await withServices { services in
      let receiver = try await services.createReceiver()
      let first = try await services.send(to: receiver) {
        $0.requestID = "r"
        $0.message?.payload = Self.payload
      }
      // A struct's fields come in any order, so that its bytes differ from time to time.
      for _ in 0..<5 {
        let again = try await services.send(to: receiver) {
          $0.requestID = "r"
          $0.message?.payload = Self.payload
        }
        #expect(again == first)
      }
      let other = try await refusal {
        try await services.send(to: receiver) {
          $0.requestID = "r"
          $0.message?.payload = .init()
        }
      }
      #expect(other?.reason == "REQUEST_ID_REUSED")
    }
  }

  @Test func errorsOfTheBusAreTold() async throws {
    try await withServices { services in
      let session = try await services.create("a").id
      #expect(
        try await refusal { try await services.send(to: session) }
          == Refusal(code: .failedPrecondition, reason: "NOT_REGISTERED", metadata: ["session_id": session]))
      let notRegistered = try await refusal { () -> ReceiveMessagesResponse? in
        var deliveries = try await services.receive(session)
        return try await deliveries.next()
      }
      #expect(notRegistered?.reason == "NOT_REGISTERED")
      let nobody = try await refusal { try await services.send(to: "") { $0.broadcastTo = .director } }
      #expect(nobody == Refusal(code: .unavailable, reason: "NO_TARGET", metadata: ["type": "DIRECTOR"]))
      let receiver = try await services.createReceiver()
      try await services.send(to: receiver)
      let drain = try await refusal {
        try await services.lifecycle.shutdownSession(
          .with {
            $0.sessionID = receiver
            $0.timeout = .init()
          })
      }
      #expect(drain == Refusal(code: .deadlineExceeded, reason: "DRAIN_TIMEOUT", metadata: ["pending": "1"]))
      let forced = try await services.lifecycle.forceShutdownSession(.with { $0.sessionID = receiver })
      #expect(forced.deadLettered == 1)
    }
  }
}
