public import RPCCore
public import SessionAPI
public import SessionDomain
import Synchronization

/// `orchestration.session.v1.MessageService` over a repository.
public struct MessageHandler: MessageService {
  private let repository: any MessageRepository
  private let isAffinityEnabled: Bool
  private let streams = ReceiveStreams()

  /// Serves the messages of `repository`; unless `isAffinityEnabled`, refuses to send by affinity.
  public init(repository: any MessageRepository, isAffinityEnabled: Bool = true) {
    self.repository = repository
    self.isAffinityEnabled = isAffinityEnabled
  }

  /// Puts a session on the bus.
  public func registerSession(
    _ request: RegisterSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<RegisterSessionResponse> {
    let draft = RegistrationDraft(messageTypes: request.messageTypes, priority: request.priority.rawValue)
    let id = try sessionID(request.sessionID, besides: draft.violations())
    let session = try await answering { try await repository.register(id, draft) }
    return try ServerResponse(.with { $0.session = .init(session) })
  }

  /// Takes a session off the bus once its queue has drained, or at the timeout.
  public func deregisterSession(
    _ request: DeregisterSessionRequest, context: ServerContext
  ) async throws -> ServerResponse<DeregisterSessionResponse> {
    var violations: [FieldViolation] = []
    let timeout = request.timeout.map { $0.duration(at: "timeout", &violations) }
    let id = try sessionID(request.sessionID, besides: violations)
    let deregistration = try await answering { try await repository.deregister(id, timeout: timeout) }
    return try ServerResponse(
      .with {
        $0.session = .init(deregistration.session)
        $0.undelivered = Int64(deregistration.undeliveredCount)
      })
  }

  /// Stores a message for each of its receivers.
  public func sendMessage(
    _ request: SendMessageRequest, context: ServerContext
  ) async throws -> ServerResponse<SendMessageResponse> {
    guard let input = request.message else { throw RPCError([.required("message")]) }
    if !isAffinityEnabled, !request.affinityOf.isEmpty { throw RPCError.featureDisabled("enableAffinity") }
    let draft = try MessageDraft(input, request)
    let key =
      request.requestID.isEmpty
      ? nil
      : RequestKey(
        method: "SendMessage", requestID: request.requestID,
        bodyDigest: draft.digest(payload: input.payload.map { .object($0.members) } ?? .null))
    let messages = try await answering { try await repository.send(draft, request: key) }
    return ServerResponse(MessageWire.sent(messages))
  }

  /// Delivers a session's messages as they come.
  public func receiveMessages(
    _ request: ReceiveMessagesRequest, to responses: ResponseWriter<ReceiveMessagesResponse>, context: ServerContext
  ) async throws {
    let limit = Int(request.maxInFlight)
    let id = try sessionID(request.sessionID, besides: InDeliveryLimit.violations(of: limit))
    // Nothing is to be delivered to a stream that ends at once: it would count as a delivery.
    if streams.isShutDown { throw RPCError.shuttingDown }
    let mailbox = try await answering { try await repository.receive(id, inDeliveryMax: limit) }
    defer {
      streams.remove(mailbox)
      mailbox.close()
    }
    streams.add(mailbox)
    // The caller is told that what is sent from here on comes at once.
    responses.send(Metadata())
    while let delivery = try await answering({ try await mailbox.next() }) {
      try await responses.send(MessageWire.delivery(delivery))
    }
  }

  /// Settles messages in delivery.
  public func acknowledgeMessages(
    _ request: AcknowledgeMessagesRequest, context: ServerContext
  ) async throws -> ServerResponse<AcknowledgeMessagesResponse> {
    let id = try sessionID(request.sessionID)
    let acknowledgement = try await answering {
      try await repository.acknowledge(id, messageIDs: request.messageIds, error: request.error)
    }
    return try ServerResponse(
      .with {
        $0.acknowledged = Int64(acknowledgement.count)
        $0.unknownMessageIds = acknowledgement.unknownIDs
      })
  }

  /// A page of dead letters, the oldest first.
  public func listDeadLetters(
    _ request: ListDeadLettersRequest, context: ServerContext
  ) async throws -> ServerResponse<ListDeadLettersResponse> {
    // Dead letters outlive their sessions: an id that no session has any more, or ever had, has those it has. The nil
    // UUID, which the server never chooses, stands for text that is no id.
    let id = request.sessionID.isEmpty ? nil : SessionID(request.sessionID) ?? SessionID(high: 0, low: 0)
    let page = try await answering {
      try await repository.deadLetters(of: id, pageSize: Int(request.pageSize), pageToken: request.pageToken)
    }
    return ServerResponse(MessageWire.page(page))
  }

  /// Ends all streams with UNAVAILABLE.
  public func shutDown() { streams.shutDown() }
}

/// The mailboxes of the streams that are open.
private final class ReceiveStreams: Sendable {
  private struct State {
    var mailboxes: [ObjectIdentifier: MessageMailbox] = [:]
    var isShutDown = false
  }

  private let state = Mutex(State())

  var isShutDown: Bool { state.withLock { $0.isShutDown } }

  func add(_ mailbox: MessageMailbox) {
    let isShutDown = state.withLock { state in
      state.mailboxes[ObjectIdentifier(mailbox)] = mailbox
      return state.isShutDown
    }
    if isShutDown { mailbox.fail(.closed) }
  }

  func remove(_ mailbox: MessageMailbox) {
    state.withLock { $0.mailboxes[ObjectIdentifier(mailbox)] = nil }
  }

  func shutDown() {
    let mailboxes = state.withLock { state in
      state.isShutDown = true
      return Array(state.mailboxes.values)
    }
    for mailbox in mailboxes { mailbox.fail(.closed) }
  }
}
