import Foundation

/// A sessiond with a database of its own, and the calls that are made to it.
struct Sessiond {
  private static let service = "/orchestration.session.v1."

  let process: ServerProcess
  let stored: StoredSessions
  private let run: Run
  private let folder: String

  /// Starts it. `settings` are flags besides those that every measurement needs.
  init(_ run: Run, name: String, access: Access, settings: [String] = []) throws {
    self.run = run
    folder = run.folder + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    stored = StoredSessions(path: folder + "/sessions.db")
    process = try ServerProcess.sessiond(
      run.options.sessiond, database: stored.path, access: access, settings: settings, logFile: folder + "/log",
      processor: run.serverProcessor)
  }

  func stop() { process.stop() }

  func getSession(_ id: String) throws -> Target {
    try target("SessionService/GetSession", Requests.getSession(id))
  }

  func watchEvents(after sequence: Int64) throws -> Target {
    try target("EventService/WatchEvents", Requests.watchEvents(after: sequence))
  }

  /// Creates sessions, and checks that they are in the file.
  @discardableResult
  func create(_ shape: LoadShape, count: Int) throws -> LoadSample {
    let target = try target("SessionService/CreateSession", Requests.createSession)
    _ = try target.checkedReply()
    let before = try stored.sessionCount()
    let sample = try run.sample(target, shape, count: count)
    let added = try stored.sessionCount() - before
    guard added == count else { throw BenchmarkFailure("\(added) sessions came of \(count) calls") }
    return sample
  }

  private func target(_ method: String, _ request: Data) throws -> Target {
    let file = folder + "/" + method.replacing("/", with: ".")
    try request.write(to: URL(fileURLWithPath: file))
    return Target(server: process, path: Self.service + method, requestFile: file)
  }
}
