import SessionDomain
import Testing

extension MessageDraft {
  static func text(
    _ text: String, to receiver: SessionID, _ priority: MessagePriority? = nil, from sender: SessionID? = nil
  ) -> MessageDraft {
    var draft = MessageDraft(type: "COMMAND")
    draft.receiverID = receiver.description
    draft.senderID = sender?.description ?? ""
    draft.priority = priority?.rawValue ?? 0
    draft.payload = Array(text.utf8)
    return draft
  }

  func with(_ change: (inout MessageDraft) -> Void) -> MessageDraft {
    var copy = self
    change(&copy)
    return copy
  }
}

extension Message {
  /// What it says.
  var text: String { String(decoding: payload, as: UTF8.self) }
}

extension SessionRepository where Self: MessageRepository {
  /// Sends texts to a session, each in a message of its own.
  @discardableResult
  func send(
    _ texts: String..., to receiver: SessionID, _ priority: MessagePriority? = nil, from sender: SessionID? = nil
  ) async throws -> [Message] {
    var messages: [Message] = []
    for text in texts {
      messages += try await send(.text(text, to: receiver, priority, from: sender), request: nil)
    }
    return messages
  }

  func send(_ draft: MessageDraft) async throws -> Message? {
    try await send(draft, request: nil).first
  }

  @discardableResult
  func acknowledge(_ messages: [Message], error: String = "") async throws -> Acknowledgement? {
    guard let receiver = messages.first?.receiverID else { return nil }
    return try await acknowledge(receiver, messageIDs: messages.map(\.id.description), error: error)
  }

  /// The texts of a session's dead letters, and why they died.
  func deadLetters(of id: SessionID) async throws -> [String] {
    try await deadLetters(of: id, pageSize: 0, pageToken: "").deadLetters.map { "\($0.message.text): \($0.reason)" }
  }
}

extension RepositoryFixture {
  /// An active session on the bus.
  func createReceiver(
    _ name: String = "receiver", types: [String] = [], priority: MessagePriority? = nil,
    set: (inout SessionDraft) -> Void = { _ in }
  ) async throws -> SessionID {
    let draft = BootstrapDraft(
      session: SessionDraft.named(name).with(set), messageTypes: types, priority: priority?.rawValue ?? 0)
    return try await repository.bootstrap(draft, request: nil).id
  }

  /// Has the repository look at its mailboxes and clocks, which it does with any change.
  func look() async throws { try await pass(.zero) }
}

extension MessageMailbox {
  /// Takes all that there is.
  func take() async throws -> [Message] {
    var messages: [Message] = []
    while count > 0, let delivery = try await next() { messages.append(delivery.message) }
    return messages
  }

  /// The texts of all that there is.
  func texts() async throws -> [String] { try await take().map(\.text) }
}
