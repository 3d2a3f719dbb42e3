import SessionDomain
import Testing

@Suite struct MessageDraftTests {
  private let id = SessionID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)
  private let now = Timestamp(microseconds: 1_000_000)

  private func draft(_ change: (inout MessageDraft) -> Void = { _ in }) -> MessageDraft {
    var draft = MessageDraft(type: "COMMAND")
    draft.receiverID = id.description
    change(&draft)
    return draft
  }

  @Test func `A draft becomes a message with the times of its send`() throws {
    let new = try #require(
      draft {
        $0.correlationID = "c"
        $0.payload = [1, 2]
      }.check(at: now).value)
    #expect(new.target == .session(id) && new.priority == nil && new.senderID == nil)
    let message = new.message(MessageID(id), to: id, priority: .low, at: now)
    #expect(message.sendTime == now && message.expireTime == now.advanced(by: .seconds(86_400)))
    #expect(message.payload == [1, 2] && message.correlationID == "c" && message.deliveryAttempt == 0)
  }

  @Test func `Each field tells one request from another`() {
    let changes: [(inout MessageDraft) -> Void] = [
      { $0.type = "OTHER" }, { $0.priority = 1 }, { $0.senderID = "s" }, { $0.receiverID = "" },
      { $0.affinityOf = "a" },
      { $0.affinityKey = "k" }, { $0.broadcastTo = 1 }, { $0.correlationID = "c" }, { $0.expireTime = now },
    ]
    let digests = ([{ _ in }] + changes).map { draft($0).digest(payload: .null) }
    #expect(Set(digests).count == digests.count)
    let payloads: [JSONValue] = [
      .null, .object([:]), .object(["a": .number(1)]), .object(["a": .string("1")]), .object(["b": .number(1)]),
    ]
    #expect(Set(payloads.map { draft().digest(payload: $0) }).count == payloads.count)
    #expect(
      draft().digest(payload: .object(["a": .null, "b": .null]))
        == draft().digest(payload: .object(["b": .null, "a": .null])))
  }

  @Test(
    arguments: [
      (0, 0, 2), (0, 59_999_999, 2), (0, 60_000_000, 3), (0, 600_000_000, 12), (60_000_000, 0, 2), (.max, .min, 2),
    ] as [(Int64, Int64, Int64)])
  func `Urgency grows with every whole minute`(row: (sent: Int64, now: Int64, urgency: Int64)) {
    let (sent, now) = (Timestamp(microseconds: row.sent), Timestamp(microseconds: row.now))
    #expect(MessagePriority.normal.urgency(since: sent, at: now) == row.urgency)
    #expect(MessagePriority.critical.urgency(since: sent, at: now) == row.urgency + 2)
  }
}
