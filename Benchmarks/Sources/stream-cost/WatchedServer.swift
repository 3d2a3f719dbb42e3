import Foundation

/// A sessiond with sessions in it, and what is done to it.
struct WatchedServer {
  private static let service = "/orchestration.session.v1."

  let name: String
  let process: ServerProcess
  let ids: [String]
  private let folder: String
  private let stored: StoredSessions
  private let tokens: Tokens

  init(_ run: Run, program: String, name: String) throws {
    self.name = name
    folder = "\(run.folder)/server\(name)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    stored = StoredSessions(path: folder + "/sessions.db")
    tokens = try Tokens.made(by: program, folder: folder)
    // Reports and what comes of them are measured, not the looks at sessions.
    process = try ServerProcess.sessiond(
      program, database: stored.path, access: Access(tokens: tokens), settings: [], logFile: folder + "/log",
      processor: run.serverProcessor)
    let count = run.options.sessions
    let create = try Self.target(
      process, folder: folder, "SessionService/CreateSession", request: Requests.createSession)
    _ = try create.sample(
      LoadShape(connections: 1, streams: min(64, count)), count: count, seconds: run.options.sampleSeconds,
      processor: run.loadProcessor)
    ids = try stored.oldestIDs(count)
    guard ids.count == count else { throw BenchmarkFailure("\(ids.count) sessions came of \(count) calls") }
  }

  func newestSequence() throws -> Int64 { try stored.newestSequence() }

  /// What the server says with one call.
  func reply(_ method: String, request: Data) throws -> [UInt8] {
    Array(try Self.target(process, folder: folder, method, request: request).checkedReply())
  }

  static func path(_ method: String) -> String { service + method }

  private static func target(
    _ process: ServerProcess, folder: String, _ method: String, request: Data
  ) throws -> Target {
    let file = folder + "/" + method.replacing("/", with: ".")
    try request.write(to: URL(fileURLWithPath: file))
    return Target(server: process, path: path(method), requestFile: file)
  }

  /// The processor time that the server spends on `body`, in microseconds.
  func cpuMicroseconds(of body: () throws -> Void) throws -> Double {
    let before = try process.cpuMicroseconds()
    try body()
    return try process.cpuMicroseconds() - before
  }
}

/// Changes sessions, 64 at a time on one connection: each call is one event, and those of one turn share a commit as
/// far as they come in together.
final class Updates {
  private static let callers = 64
  private static let path = WatchedServer.path("SessionService/UpdateSession")

  private let server: WatchedServer
  private let connection: Connection
  private var stream: UInt32 = 1
  private var turn = 0

  init(_ server: WatchedServer) throws {
    self.server = server
    connection = try Connection(port: server.process.port)
  }

  /// Makes so many turns of 64 calls, or fewer sessions where there are fewer; gives how many events came of them.
  /// Calls `meanwhile` while it waits.
  func make(turns: Int, meanwhile: () throws -> Void = {}) throws -> Int64 {
    let ids = server.ids.prefix(Self.callers)
    for _ in 0..<turns {
      turn += 1
      var calls: [UInt8] = []
      for id in ids {
        let request = Requests.updateSession(id, name: "department \(turn)")
        calls += Connection.call(Self.path, request, stream: stream, server.process.access)
        stream += 2
      }
      try connection.socket.write(calls)
      var (answers, ends) = (0, 0)
      while ends < ids.count {
        try meanwhile()
        try connection.receive { frame in
          if frame.kind == .data, frame.payload.count > 200 { answers += 1 }
          if frame.kind == .headers, frame.flags & HTTP2.endStream != 0 { ends += 1 }
        }
      }
      guard answers == ids.count else { throw BenchmarkFailure("\(ids.count - answers) updates failed") }
    }
    return Int64(turns * ids.count)
  }

  /// Waits until an answer comes, for when there is nothing to do meanwhile.
  func wait() throws { try connection.socket.waitForInput() }
}
