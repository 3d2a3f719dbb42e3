/// A random sequence of steps, remembered, so that those that do not matter can be left out after a failure.
struct RecordedSequence {
  let seed: UInt64
  private var steps: [Operation] = []
  private(set) var comparisons = 0

  init(seed: UInt64) {
    self.seed = seed
  }

  struct Failure {
    let step: Int
    let disagreement: SequenceRun.Disagreement
  }

  /// Makes so many steps; the failure that ended them, if one did.
  mutating func run(_ length: Int) async throws -> Failure? {
    var generator = OperationGenerator(seed: seed)
    var run = try SequenceRun(seed: seed)
    let failure = try await finding { (step) async throws in
      while step < length {
        generator.openLists = run.listsWithMore
        let operation = generator.next(run.model)
        steps.append(operation)
        try await run.perform(operation, step: step)
        step += 1
      }
      try await run.compareAll(step: step)
    }
    comparisons = run.comparisons
    await run.store.discard()
    return failure
  }

  /// What went wrong, after which steps, how to see it again, and as few steps as were found that show it.
  func report(_ failure: Failure) async throws -> String {
    let few = try await shrunk(failure)
    let (shown, disagreement) = (few?.steps ?? [], few?.failure.disagreement)
    return """
      seed \(seed), step \(failure.step): \(failure.disagreement.what) differs
        to see it again: SEQUENCE_SEED=\(seed) SEQUENCE_OPERATIONS=\(failure.step + 1) swift test \
      --filter RandomSequenceTests
        the model: \(failure.disagreement.expected)
        the services: \(failure.disagreement.actual)
      the last steps:
      \(text(steps.indices.suffix(8)))
      \(shown.count) steps that are enough\(disagreement.map { ", after which \($0.what) differs" } ?? ""):
      \(text(shown))
        the model: \(disagreement?.expected ?? "")
        the services: \(disagreement?.actual ?? "")
      """
  }

  private func text(_ chosen: [Int]) -> String {
    chosen.map { "  \($0): \(brief(steps[$0]))" }.joined(separator: "\n")
  }

  private func text(_ chosen: ArraySlice<Int>) -> String { text(Array(chosen)) }

  private func finding(_ body: (inout Int) async throws -> Void) async throws -> Failure? {
    var step = 0
    do {
      try await body(&step)
      return nil
    } catch let disagreement as SequenceRun.Disagreement {
      return Failure(step: step, disagreement: disagreement)
    }
  }

  // MARK: Shrinking

  /// Makes only these steps of the sequence; the failure that ended them, if it is like the first one.
  private func replay(_ chosen: [Int], seeking failure: Failure) async throws -> Failure? {
    var run = try SequenceRun(seed: seed)
    let found = try await finding { (step) async throws in
      for index in chosen {
        step = index
        try await run.perform(steps[index], step: index)
      }
      if steps.count % 500 != 0 { try await run.compareAll(step: steps.count) }
    }
    await run.store.discard()
    return found?.disagreement.what == failure.disagreement.what ? found : nil
  }

  /// As few steps as can be found without much work after which services and model disagree.
  private func shrunk(_ failure: Failure) async throws -> (steps: [Int], failure: Failure)? {
    var work = 10_000
    var found: (steps: [Int], failure: Failure)?
    for length in [16, 64, 256, 1024, 4096] where found == nil {
      let chosen = Array(steps.indices.suffix(length))
      work -= chosen.count
      if let failure = try await replay(chosen, seeking: failure) { found = (chosen, failure) }
    }
    guard var best = found else { return nil }
    var chunk = max(1, best.steps.count / 2)
    while work > 0 {
      var start = 0
      var isSmaller = false
      while start < best.steps.count, work > 0 {
        let fewer = Array(best.steps[..<start] + best.steps[min(start + chunk, best.steps.count)...])
        work -= fewer.count
        if !fewer.isEmpty, let failure = try await replay(fewer, seeking: failure) {
          best = (fewer.filter { $0 <= failure.step }, failure)
          isSmaller = true
        } else {
          start += chunk
        }
      }
      if chunk == 1, !isSmaller { break }
      chunk = max(1, chunk / 2)
    }
    return best
  }
}
