import RPCCore
import Testing

@Suite struct CallIDTests {
  @Test func callsOfOneConnectionDifferInTheirStreams() {
    let connection = CallID.Connection()
    let first = CallID(connection: connection, stream: 1)
    #expect(first == CallID(connection: connection, stream: 1))
    #expect(first != CallID(connection: connection, stream: 3))
    let parts = first.description.split(separator: "-")
    #expect(parts.count == 3)
    #expect(UInt32(parts[0], radix: 16) != nil)
    #expect(parts[2] == "1")
  }

  @Test func noTwoConnectionsAreTheSame() async {
    let texts = await withTaskGroup(of: [String].self) { group in
      for _ in 0..<8 {
        group.addTask { (0..<100).map { _ in CallID(connection: CallID.Connection(), stream: 1).description } }
      }
      return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
    }
    #expect(texts.count == 800)
  }

  @Test func allConnectionsOfAProgramShareItsMark() {
    let marks = (0..<10).map { _ in
      CallID(connection: CallID.Connection(), stream: 1).description.split(separator: "-")[0]
    }
    #expect(Set(marks).count == 1)
  }
}
