import SessionDomain

@testable import SessionStore

extension SQLiteSessionRepository {
  func createReceiver(_ name: String = "receiver", constraints: [String] = []) async throws -> SessionID {
    var draft = SessionDraft(type: .active, name: name, workspace: "/work")
    draft.constraints = constraints
    return try await bootstrap(BootstrapDraft(session: draft), request: nil).id
  }

  @discardableResult
  func send(
    _ text: String, to receiver: SessionID, _ priority: MessagePriority = .normal
  ) async throws(SessionError) -> Message? {
    var draft = MessageDraft(type: "COMMAND")
    draft.receiverID = receiver.description
    draft.priority = priority.rawValue
    draft.payload = Array(text.utf8)
    return try await send(draft, request: nil).first
  }

  @discardableResult
  func acknowledge(_ message: Message, error: String = "") async throws -> Int {
    try await acknowledge(message.receiverID, messageIDs: [message.id.description], error: error).count
  }
}

extension Message {
  var text: String { String(decoding: payload, as: UTF8.self) }
}

extension MessageMailbox {
  func take() async throws -> [Message] {
    var messages: [Message] = []
    while count > 0, let delivery = try await next() { messages.append(delivery.message) }
    return messages
  }
}
