import Foundation

/// How many calls are made at once.
struct LoadShape {
  let connections: Int
  let streams: Int

  var callers: Int { connections * streams }
  var name: String { "\(connections)x\(streams)" }
}

/// What a server did under load.
struct LoadSample {
  let callsPerSecond: Double
  let cpuMicrosecondsPerCall: Double
  /// Of all replies, with gRPC's prefix of 5 bytes each.
  let replyBytes: Int
  /// The version of TLS and the cipher that the two agreed on; nil without TLS.
  let tls: String?
}

/// What a server did under load, in all rounds.
struct CallCosts {
  private(set) var rate = Series()
  private(set) var cpu = Series()
  private(set) var tls: String?

  mutating func add(_ sample: LoadSample) {
    rate.add(sample.callsPerSecond)
    cpu.add(sample.cpuMicrosecondsPerCall)
    tls = sample.tls
  }
}

/// Where calls go: a method of gRPC with a request, or a file of HTTP.
struct Target {
  let server: ServerProcess
  let path: String
  /// A file with the request's bytes; nil for a GET.
  let requestFile: String?
  /// Header fields for curl and h2load; nil for those of a call where there is a request, and none otherwise.
  var headers: [String]?

  var url: String { "\(server.access.scheme)://127.0.0.1:\(server.port)\(path)" }

  /// Makes `count` calls with h2load and takes the processor time that the server spent on them. What h2load notes of
  /// each call goes to `logFile`.
  func sample(
    _ shape: LoadShape, count: Int, seconds: Int, processor: Int?, logFile: String? = nil
  ) throws -> LoadSample {
    let body = (requestFile.map { ["-d", $0] } ?? []) + (logFile.map { ["--log-file", $0] } ?? [])
    let headers = headers ?? (requestFile == nil ? [] : server.access.headers)
    let before = try server.cpuMicroseconds()
    let report = try Program.output(
      of: ["h2load", "-t", "1", "-n", "\(count)", "-c", "\(shape.connections)", "-m", "\(shape.streams)"] + body
        + headers + [url],
      seconds: seconds, processor: processor)
    let spent = try server.cpuMicroseconds() - before
    let text = String(decoding: report, as: UTF8.self)
    guard
      let rate = text.firstMatch(of: /finished in [^,]+, ([0-9.]+) req\/s/).flatMap({ Double($0.1) }),
      let succeeded = text.firstMatch(of: /([0-9]+) succeeded/).flatMap({ Int($0.1) }),
      let bytes = text.firstMatch(of: /\(([0-9]+)\) data/).flatMap({ Int($0.1) })
    else { throw BenchmarkFailure("h2load's report is not understood:\n\(text)") }
    guard succeeded == count else { throw BenchmarkFailure("\(count - succeeded) of \(count) calls to \(path) failed") }
    let tls = text.firstMatch(of: /TLS Protocol: (\S+)\s+Cipher: (\S+)/).map { "\($0.1) \($0.2)" }
    guard (tls != nil) == (server.access.certificate != nil) else {
      throw BenchmarkFailure("\(url) was called with \(tls ?? "no TLS")")
    }
    return LoadSample(
      callsPerSecond: rate, cpuMicrosecondsPerCall: spent / Double(count), replyBytes: bytes, tls: tls)
  }

  /// Makes one call and gives the reply's bytes; throws unless it ended with grpc-status 0.
  func checkedReply() throws -> Data {
    guard let requestFile else { throw BenchmarkFailure("\(path) is no gRPC method") }
    let headerFile = requestFile + ".headers"
    let reply = try Program.output(
      of: ["curl", "--silent", "--show-error", "--max-time", "10", "--dump-header", headerFile]
        + ["--data-binary", "@\(requestFile)"] + server.access.curlOptions + server.access.headers + [url],
      seconds: 15, processor: nil)
    let headers = try String(contentsOfFile: headerFile, encoding: .utf8)
    guard headers.contains("grpc-status: 0") else {
      throw BenchmarkFailure("\(path) answered:\n\(headers)")
    }
    return reply
  }
}
