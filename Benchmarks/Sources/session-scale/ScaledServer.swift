import Foundation

/// A server on a file that was filled before, and calls of each kind that is measured.
struct ScaledServer {
  private static let service = "/orchestration.session.v1.SessionService/"

  let count: Int
  let process: ServerProcess
  private let folder: String
  private let run: Run
  private let ids: [String]

  init(_ run: Run, count: Int) throws {
    self.count = count
    self.run = run
    folder = "\(run.folder)/\(count)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/sessions.db"
    try SessionFill(path: path, count: count).run()
    ids = try StoredSessions(path: path).oldestIDs(1000)
    process = try ServerProcess.sessiond(
      run.options.sessiond, database: path, access: Access(),
      settings: ["--metadata-indexes", SessionFill.key, "--event-retention-count", "1000000000"],
      logFile: folder + "/log", processor: run.serverProcessor)
  }

  func target(_ call: Call, round: Int) throws -> Target {
    let request = call.request(id: ids[round * 37 % ids.count])
    let file = folder + "/request"
    try request.write(to: URL(fileURLWithPath: file))
    return Target(server: process, path: Self.service + call.method, requestFile: file)
  }

  /// Makes calls, and takes what they cost and how long each took.
  func sample(_ call: Call, _ shape: LoadShape, count: Int, round: Int) throws -> CallTimes {
    let target = try target(call, round: round)
    let replyBytes = call.makesSessions ? nil : try checkedReply(target, call).count
    let logFile = folder + "/calls"
    // h2load appends.
    try Data().write(to: URL(fileURLWithPath: logFile))
    let sample = try target.sample(
      shape, count: count, seconds: run.options.sampleSeconds, processor: run.loadProcessor, logFile: logFile)
    if let replyBytes, sample.replyBytes != replyBytes * count {
      throw BenchmarkFailure("\(sample.replyBytes) bytes came for \(count) replies of \(replyBytes) to \(call.name)")
    }
    let times = try String(contentsOfFile: logFile, encoding: .utf8).split(separator: "\n").compactMap {
      $0.split(separator: "\t").last.flatMap { Double($0) }
    }
    guard times.count == count else { throw BenchmarkFailure("h2load noted \(times.count) of \(count) calls") }
    return CallTimes(cpu: sample.cpuMicrosecondsPerCall, milliseconds: times.map { $0 / 1000 }.sorted())
  }

  /// A reply that has what the call must find.
  private func checkedReply(_ target: Target, _ call: Call) throws -> Data {
    let reply = try target.checkedReply()
    guard call.isExpected(reply) else {
      throw BenchmarkFailure("\(call.name) gave \(reply.count) bytes, of \(count) sessions")
    }
    return reply
  }
}

/// What calls of one kind took in one round.
struct CallTimes {
  /// Of the server, in microseconds a call.
  let cpu: Double
  /// From the request to the end of the reply, in order.
  let milliseconds: [Double]

  /// The time that so many of a hundred calls took at most.
  func percentile(_ percent: Int) -> Double {
    milliseconds[min(milliseconds.count - 1, milliseconds.count * percent / 100)]
  }
}
