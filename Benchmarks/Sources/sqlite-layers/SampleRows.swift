import Foundation
import SessionDomain

/// A session and its CREATED event as the values of their columns, so that the layers are compared and nothing else.
struct SampleRow {
  var id: String
  var type: Int64
  var status: Int64
  var name: String
  var workspace: String
  var metadata: String
  var capabilities: String
  var constraints: String
  var environment: String
  /// parent_id, template_name, cloned_from and status_reason.
  var texts: [String?]
  /// memory_bytes, cpu_millicores and disk_bytes.
  var resources: [Int64?]
  var registerMessageTypes: String?
  /// register_priority, register_time and register_draining.
  var registration: [Int64?]
  var createTime: Int64
  var updateTime: Int64
  var startTime: Int64?
  var endTime: Int64?
  var lastActivityTime: Int64
  var revision: Int64
}

/// Makes rows as a server's callers would: ids that grow with time, about 300 bytes each.
struct SampleRows {
  private var ids = MonotonicIDGenerator(clock: SystemClock())
  private(set) var newestSequence: Int64 = 0

  mutating func next(_ count: Int) -> [SampleRow] {
    (0..<count).map { _ in next() }
  }

  private mutating func next() -> SampleRow {
    newestSequence += 1
    let time = SystemClock().now().microseconds
    return SampleRow(
      id: ids.next().description, type: 2, status: 1, name: "benchmark department",
      workspace: "/srv/workspaces/benchmark", metadata: #"{"domain":"measurement","owner":"benchmarks"}"#,
      capabilities: #"["batch-processing","report-generation"]"#, constraints: #"["max-memory:4gb"]"#,
      environment: #"{"REGION":"eu-central-1"}"#, texts: [nil, nil, nil, nil], resources: [nil, nil, nil],
      registerMessageTypes: nil, registration: [nil, nil, nil], createTime: time, updateTime: time, startTime: nil,
      endTime: nil, lastActivityTime: time, revision: newestSequence)
  }
}
