import Foundation
import Testing

/// Random sequences of calls, time and restarts: the services must say and do what a small model says.
///
/// Each run prints its seed, and a failure tells it again. The same seed gives the same sequence, ids and times:
///
///     SEQUENCE_SEED=42 swift test --filter RandomSequenceTests
///
/// runs that one alone, or several with commas between them; `SEQUENCE_OPERATIONS` says how many steps each sequence
/// has. A longer sequence begins as the shorter one does.
///
/// When they disagree, either is wrong: what the documents say decides. The failure shows the last steps, and as few
/// as were found that are enough to see it.
@Suite(.serialized, .timeLimit(.minutes(30))) struct RandomSequenceTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let operations = environment["SEQUENCE_OPERATIONS"].flatMap { Int($0) }

  /// The seeds that always run, and one that nobody knows before.
  static let sequences: [(seed: UInt64, length: Int)] = {
    if let seeds = environment["SEQUENCE_SEED"] {
      return seeds.split(separator: ",").compactMap { UInt64($0) }.map { ($0, operations ?? 20_000) }
    }
    let fixed = (1...4).map { (seed: UInt64($0), length: operations ?? 2500) }
    return fixed + [(UInt64.random(in: 1000..<1_000_000_000), operations ?? 10_000)]
  }()

  @Test(arguments: sequences.indices) func theServicesDoWhatTheModelSays(index: Int) async throws {
    let (seed, length) = Self.sequences[index]
    print("Random sequence: SEQUENCE_SEED=\(seed) SEQUENCE_OPERATIONS=\(length)")
    var sequence = RecordedSequence(seed: seed)
    guard let failure = try await sequence.run(length) else {
      return print("Random sequence \(seed): \(length) steps, \(sequence.comparisons) comparisons")
    }
    Issue.record("\(try await sequence.report(failure))")
  }
}
