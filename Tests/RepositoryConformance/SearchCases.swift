import SessionDomain
import Testing

let searchCases = [
  ConformanceCase("A search looks into name, workspace, id and type, in any case") { (fixture) async throws in
    let repository = fixture.repository
    let first = try await repository.create("Main-Director", .director)
    _ = try await repository.create("b", .observer) { $0.workspace = "/projects/DIRECTory" }
    _ = try await repository.create("Ünïcode ÄÖ", .active)
    func found(_ text: String) async throws -> Set<String> {
      Set(try await repository.search(text, limit: 0).map(\.name))
    }
    #expect(try await found("dIrEcT") == ["Main-Director", "b"])
    #expect(try await found("OBSERV") == ["b"])
    #expect(try await found("äö") == ["Ünïcode ÄÖ"])
    #expect(try await found("ÜNÏ") == ["Ünïcode ÄÖ"])
    #expect(try await found(first.id.description.uppercased()) == ["Main-Director"])
    #expect(try await found("%") == [])
    #expect(try await found("_") == [])
    #expect(try await found("nothing like it") == [])
    #expect(try await found("") == ["Main-Director", "b", "Ünïcode ÄÖ"])
    #expect(try await found("metadata") == [])
  },
  ConformanceCase("A search gives the latest activity first, then goes by id") { (fixture) async throws in
    let repository = fixture.repository
    var sessions: [Session] = []
    for name in ["s0", "s1", "s2", "s3"] { sessions.append(try await repository.create(name)) }
    fixture.clock.advance(by: .seconds(1))
    try await repository.move(sessions[2].id, to: .active)
    let expected = [sessions[2], sessions[0], sessions[1], sessions[3]].map(\.id)
    #expect(try await repository.search("s", limit: 10).map(\.id) == expected)
    #expect(try await repository.search("s", limit: 2).map(\.id) == Array(expected.prefix(2)))
  },
  ConformanceCase("A negative limit is refused") { (fixture) async throws in
    let error = try await refusal { try await fixture.repository.search("a", limit: -1) }
    #expect(error?.paths == ["limit"])
  },
]
