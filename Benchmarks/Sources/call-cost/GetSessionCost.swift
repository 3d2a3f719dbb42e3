import Foundation

/// What a read from memory costs, beside nghttpd serving the same bytes from a file.
struct GetSessionCost {
  private static let shape = LoadShape(connections: 10, streams: 50)
  private static let warmUpCalls = 2000

  let run: Run
  let nghttpd: ServerProcess
  let sessiond: Sessiond
  /// A server without tokens.
  let open: Sessiond
  /// A server with tokens and TLS.
  let secure: Sessiond

  func measure() throws {
    let servers = [sessiond, open, secure]
    let shape = CreateSessionCost.groupShapes[0]
    let ids = try servers.map { server in
      try server.create(shape, count: max(run.options.sessions, shape.callers))
      return try server.stored.oldestIDs(run.options.sessions)
    }
    var costs = [CallCosts](repeating: CallCosts(), count: 2 + servers.count)
    var replyBytes = 0
    for round in 0..<run.options.rounds {
      let targets = try zip(servers, ids).map { server, ids in try server.getSession(ids[round * 37 % ids.count]) }
      let replies = try targets.map { try $0.checkedReply() }
      replyBytes = replies[0].count
      // A new name each time: nghttpd remembers how long a file is.
      let file = try serve(replies[0], as: "/\(round)")
      var likeACall = try serve(replies[0], as: targets[0].path + "/\(round)")
      likeACall.headers = sessiond.process.access.headers
      let all = Array(zip([file, likeACall] + targets, [replyBytes, replyBytes] + replies.map(\.count)))

      for (target, _) in all { _ = try run.sample(target, Self.shape, count: Self.warmUpCalls) }
      // Short turns, and another first each time: what a machine has to spare changes within seconds, for all alike.
      for turn in 0..<run.options.turns {
        for place in all.indices {
          let index = (turn + place) % all.count
          let (target, bytes) = all[index]
          let sample = try run.sample(target, Self.shape, count: run.options.gets)
          guard sample.replyBytes == bytes * run.options.gets else {
            throw BenchmarkFailure("\(sample.replyBytes) bytes came for \(run.options.gets) replies of \(bytes)")
          }
          costs[index].add(sample)
        }
      }
    }
    show(costs, replyBytes: replyBytes)
  }

  private func serve(_ reply: Data, as path: String) throws -> Target {
    let file = URL(fileURLWithPath: run.replies + path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try reply.write(to: file)
    return Target(server: nghttpd, path: path, requestFile: nil)
  }

  private func show(_ costs: [CallCosts], replyBytes: Int) {
    let (file, likeACall, get, withoutTokens, overTLS) = (costs[0], costs[1], costs[2], costs[3], costs[4])
    let table = run.table
    table.head("GetSession, \(Self.shape.name), \(replyBytes) bytes", ["calls/s", "server CPU us/call"])
    table.row("nghttpd, the reply as a file", file)
    table.row("nghttpd, asked with the header fields of a call", likeACall)
    table.row("sessiond", get)
    table.row("sessiond, without tokens", withoutTokens)
    table.row("sessiond, \(overTLS.tls ?? "TLS")", overTLS)
    table.row("sessiond / nghttpd", [nil, Cell(get.cpu / file.cpu, digits: 2)], target: "at most 1.5")
    table.row("sessiond / nghttpd, asked like it", [nil, Cell(get.cpu / likeACall.cpu, digits: 2)])
    table.row("sessiond / without tokens", [nil, Cell(get.cpu / withoutTokens.cpu, digits: 2)])
    table.row("over TLS / sessiond", [nil, Cell(overTLS.cpu / get.cpu, digits: 2)], target: "at most 1.30")
  }
}
