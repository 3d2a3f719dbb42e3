import SessionDomain
import Testing

@testable import SessionStore

@Suite struct MessagePlanTests {
  @Test func `Messages are found, counted and expired by index`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    func steps(_ sql: String) async throws -> String {
      try await repository.plan(SQLFragment(sql: sql, bindings: [])).description
    }
    let next = try await steps(MessageStatements.next)
    #expect(next == "SEARCH messages USING INDEX messages_by_receiver (receiver_id=? AND priority=? AND rowid>?)")
    #expect(try await steps(MessageStatements.counts) == "SCAN messages USING COVERING INDEX messages_by_receiver")
    let expired = try await steps(MessageStatements.expired)
    #expect(expired.hasPrefix("SEARCH messages USING INDEX messages_by_expire_time"), "\(expired)")
    #expect(!expired.contains("TEMP B-TREE"), "\(expired)")
    let nextExpiry = try await steps(MessageStatements.nextExpiry)
    #expect(nextExpiry == "SEARCH messages USING COVERING INDEX messages_by_expire_time (expire_time>?)")
    let registered = try await steps(SeatLookup.registered)
    #expect(registered == "SEARCH sessions USING COVERING INDEX sessions_registered (type=?)")
    await repository.close()
  }

  @Test func `A page of dead letters seeks to its place`() async throws {
    let fixture = try StoreFixture()
    let repository = try fixture.open()
    for (id, index) in [
      (nil, "SEARCH dead_letters USING INTEGER PRIMARY KEY (rowid>?)"),
      (
        SessionID(high: 1, low: 1),
        "SEARCH dead_letters USING INDEX dead_letters_by_receiver (receiver_id=? AND rowid>?)"
      ),
    ] {
      let list = try DeadLetterList(of: id, pageSize: 0, pageToken: "")
      #expect(try await repository.plan(list.statement).description == index)
    }
    await repository.close()
  }
}
