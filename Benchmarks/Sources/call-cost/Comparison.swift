import Foundation

/// Measures the server and its measure beside it, turn by turn, so that both meet the same machine.
final class Comparison {
  private static let service = "/orchestration.session.v1.SessionService/"
  private static let readShape = LoadShape(connections: 10, streams: 50)
  private static let loneShape = LoadShape(connections: 1, streams: 1)
  private static let groupShapes = [LoadShape(connections: 8, streams: 8), LoadShape(connections: 1, streams: 64)]
  /// The server keeps that many of the newest events in memory, and more.
  private static let eventsInMemory: Int64 = 50_000
  private static let warmUpCalls = 2000

  private let options: CallCost
  private let folder: String
  private let loadProcessor: Int?
  private let sessiond: ServerProcess
  private let nghttpd: ServerProcess
  private let stored: StoredSessions
  private let table = Table()

  init(options: CallCost, folder: String, serverProcessor: Int?, loadProcessor: Int?) throws {
    self.options = options
    self.folder = folder
    self.loadProcessor = loadProcessor
    let database = folder + "/sessions.db"
    stored = StoredSessions(path: database)
    nghttpd = try ServerProcess.nghttpd(folder: folder, processor: serverProcessor)
    do {
      sessiond = try ServerProcess.sessiond(options.sessiond, database: database, processor: serverProcessor)
    } catch {
      nghttpd.stop()
      throw error
    }
  }

  func stop() {
    sessiond.stop()
    nghttpd.stop()
  }

  func measure() throws {
    let flushes = try DiskFlush.perSecond(folder: folder, count: 500)
    table.show(
      "\(options.rounds) rounds: medians, in brackets the range; the disk flushes \(Int(flushes)) times a second")
    try measureReads()
    try measureCreates()
    try measureWatches()
    table.show("\nsessiond's memory at the end: \(try sessiond.residentBytes() >> 20) MiB")
  }

  // MARK: GetSession

  private func measureReads() throws {
    try create(Self.groupShapes[0], count: max(options.sessions, Self.groupShapes[0].callers))
    let ids = try stored.oldestIDs(options.sessions)
    var (fileRate, fileCPU, getRate, getCPU) = (Series(), Series(), Series(), Series())
    var replyBytes = 0
    for round in 0..<options.rounds {
      let get = try target("GetSession", Requests.getSession(ids[round * 37 % ids.count]))
      let reply = try get.checkedReply()
      replyBytes = reply.count
      // A new name each time: nghttpd remembers how long a file is.
      try reply.write(to: URL(fileURLWithPath: folder + "/reply-\(round)"))
      let file = Target(server: nghttpd, path: "/reply-\(round)", requestFile: nil)
      for target in [file, get] { _ = try sample(target, Self.readShape, count: Self.warmUpCalls) }

      let ofFile = try sample(file, Self.readShape, count: options.gets)
      let ofGet = try sample(get, Self.readShape, count: options.gets)
      for sample in [ofFile, ofGet] where sample.replyBytes != reply.count * options.gets {
        throw BenchmarkFailure("\(sample.replyBytes) bytes came for \(options.gets) replies of \(reply.count)")
      }
      fileRate.add(ofFile.callsPerSecond)
      fileCPU.add(ofFile.cpuMicrosecondsPerCall)
      getRate.add(ofGet.callsPerSecond)
      getCPU.add(ofGet.cpuMicrosecondsPerCall)
    }
    table.head("GetSession, \(Self.readShape.name), \(replyBytes) bytes", ["calls/s", "server CPU us/call"])
    table.row("nghttpd, the reply as a file", rate: fileRate, cpu: fileCPU)
    table.row("sessiond", rate: getRate, cpu: getCPU)
    table.ratio("sessiond / nghttpd", getCPU / fileCPU, target: "at most 1.7", column: 1)
  }

  // MARK: CreateSession

  private func measureCreates() throws {
    var (loneRate, loneCPU) = (Series(), Series())
    var rates = Self.groupShapes.map { _ in Series() }
    var cpus = rates
    for _ in 0..<options.rounds {
      let lone = try create(Self.loneShape, count: options.loneCreates)
      loneRate.add(lone.callsPerSecond)
      loneCPU.add(lone.cpuMicrosecondsPerCall)
      for (index, shape) in Self.groupShapes.enumerated() {
        let group = try create(shape, count: options.groupCreates)
        rates[index].add(group.callsPerSecond)
        cpus[index].add(group.cpuMicrosecondsPerCall)
      }
    }
    table.head("CreateSession, durable", ["calls/s", "server CPU us/call"])
    table.row("1 caller, \(Self.loneShape.name)", rate: loneRate, cpu: loneCPU)
    for (index, shape) in Self.groupShapes.enumerated() {
      table.row("\(shape.callers) callers, \(shape.name)", rate: rates[index], cpu: cpus[index])
    }
    for (index, shape) in Self.groupShapes.enumerated() {
      table.ratio(
        "\(shape.callers) callers, \(shape.name) / 1 caller", rates[index] / loneRate, target: "at least 8", column: 0)
    }
  }

  /// Creates sessions, and checks that they are in the file.
  @discardableResult
  private func create(_ shape: LoadShape, count: Int) throws -> LoadSample {
    let target = try target("CreateSession", Requests.createSession)
    _ = try target.checkedReply()
    let before = try stored.sessionCount()
    let sample = try sample(target, shape, count: count)
    let added = try stored.sessionCount() - before
    guard added == count else { throw BenchmarkFailure("\(added) sessions came of \(count) calls") }
    return sample
  }

  // MARK: WatchEvents

  private func measureWatches() throws {
    let newest = try stored.newestSequence()
    table.head("WatchEvents, one watcher catching up", ["events/s", "server CPU us/event"])
    try watch("the newest, from memory", after: max(0, newest - Self.eventsInMemory), until: newest)
    // Whether more than memory holds is there depends on how many sessions were created.
    if newest > 2 * Self.eventsInMemory {
      try watch("the oldest, from the file", after: 0, until: Self.eventsInMemory)
    }
  }

  private func watch(_ name: String, after: Int64, until: Int64) throws {
    let target = try target(
      "WatchEvents", Requests.watchEvents(after: after), service: "/orchestration.session.v1.EventService/")
    let stream = EventStream(target: target, after: after, until: until)
    let events = Double(until - after)
    var (rate, cpu) = (Series(), Series())
    for _ in 0..<options.rounds {
      var seconds = 0.0
      let before = try sessiond.cpuMicroseconds()
      for _ in 0..<options.watches {
        seconds += try stream.read(seconds: options.sampleSeconds, processor: loadProcessor)
      }
      cpu.add((try sessiond.cpuMicroseconds() - before) / events / Double(options.watches))
      rate.add(events * Double(options.watches) / seconds)
    }
    table.row("\(name), \(Int(events)) events", rate: rate, cpu: cpu)
  }

  // MARK: Calls

  private func target(_ method: String, _ request: Data, service: String = service) throws -> Target {
    let file = folder + "/" + method
    try request.write(to: URL(fileURLWithPath: file))
    return Target(server: sessiond, path: service + method, requestFile: file)
  }

  private func sample(_ target: Target, _ shape: LoadShape, count: Int) throws -> LoadSample {
    try target.sample(shape, count: count, seconds: options.sampleSeconds, processor: loadProcessor)
  }
}
