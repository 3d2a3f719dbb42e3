import SessionDomain
import Testing

@Suite struct UnitTests {
  @Test(arguments: [
    ("0", 0), ("512", 512), ("512b", 512), ("1B", 1), ("1k", 1024), ("1kb", 1024), ("1Ki", 1024), ("1KiB", 1024),
    ("512m", 536_870_912), ("512Mi", 536_870_912), ("1.5g", 1_610_612_736), ("4gb", 4_294_967_296),
    ("1t", 1_099_511_627_776), ("0.5k", 512), ("0.001k", 1), ("1.0", 1), ("1.25", 1), ("007", 7),
    ("9223372036854775807", Int64.max), ("8388607t", 9_223_370_937_343_148_032),
  ])
  func `Bytes are read in powers of 1024`(_ text: String, _ bytes: Int64) {
    #expect(Units.bytes(text) == bytes)
  }

  @Test(arguments: [
    "", "b", "k", "-1", "+1", "1.", ".5", "1..5", "1.5.5", "1 k", " 1", "1kib ", "1bb", "1kk", "1p", "1e3", "0x10",
    "9223372036854775808", "8388608t", "111111111111111111111", "１", "1ｋ", "NaN", "infinity", "1bib",
  ])
  func `What is no number of bytes is refused`(_ text: String) {
    #expect(Units.bytes(text) == nil)
  }

  @Test(arguments: [
    ("2", 2000), ("0.5", 500), ("500m", 500), ("500M", 500), ("0", 0), ("1.2345", 1235), ("0.0004", 0), ("0.25", 250),
    ("9223372036854775", 9_223_372_036_854_775_000), ("9223372036854775807m", Int64.max),
  ])
  func `Cores are read in thousandths`(_ text: String, _ millicores: Int64) {
    #expect(Units.millicores(text) == millicores)
  }

  @Test(arguments: ["", "m", "-1", "1k", "1mm", "1 m", "9223372036854776", "1c", "1.m", "0.5.5"])
  func `What is no number of cores is refused`(_ text: String) {
    #expect(Units.millicores(text) == nil)
  }

  @Test(arguments: [
    ("max-memory:4gb", Constraint.Value.memoryBytesMax(4 << 30)), ("max-cpu:1.5", .cpuMillicoresMax(1500)),
    ("max-disk:10g", .diskBytesMax(10 << 30)), ("max-queue:0", .queuedMessagesMax(0)),
    ("timeout:300000", .timeout(milliseconds: 300_000)), ("cpu-priority:high", .cpuPriority(.high)),
    ("colour:blue:green", .unknown("blue:green")), ("a-1:", .unknown("")),
  ])
  func `Constraints are read`(_ text: String, _ value: Constraint.Value) throws {
    let constraint = try Constraint.parse(text).get()
    #expect(constraint.value == value)
    #expect(text.hasPrefix(constraint.name + ":"))
  }

  @Test(arguments: [
    "", "max-memory", ":x", "Max-memory:1", "1a:b", "-a:b", "a b:c", "max-memory:", "max-memory:x", "max-cpu:1g",
    "max-queue:-1", "max-queue:1.5", "timeout:5s", "timeout:", "cpu-priority:High", "é:1",
  ])
  func `What is no constraint is refused with what is allowed`(_ text: String) throws {
    guard case .failure(let error) = Constraint.parse(text) else {
      Issue.record("\(text) was read")
      return
    }
    #expect(!error.expected.isEmpty)
  }

  @Test func `An allocation over a constraint is told with both figures`() {
    let allocation = ResourceAllocation(memoryBytes: 2048, cpuMillicores: 500, diskBytes: 0)
    #expect(allocation.violation(of: ["max-memory:2k", "max-cpu:0.5", "timeout:1", "nonsense"]) == nil)
    #expect(
      allocation.violation(of: ["max-disk:0", "max-memory:1k"])
        == .constraintExceeded(constraint: "max-memory", allocated: 2048, allowed: 1024))
    #expect(
      allocation.violation(of: ["max-cpu:499m"])
        == .constraintExceeded(constraint: "max-cpu", allocated: 500, allowed: 499))
  }
}
