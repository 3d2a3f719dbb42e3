import Synchronization

/// Where the committer's thread writes how things stand, once a batch, for whoever looks without asking it.
final class CommitBoard: Sendable {
  private struct State {
    var figures = CommitFigures()
    // Names are given to its counts when somebody asks, not once a batch.
    var totals = Totals()
  }

  private let state = Mutex(State())

  var figures: CommitFigures {
    let state = state.withLock { $0 }
    var figures = state.figures
    figures.byType = state.totals.byType
    figures.byStatus = state.totals.byStatus
    return figures
  }

  /// Notes how things stand in memory and in the file.
  func note(_ writer: Writer) {
    state.withLock { Self.note(writer, &$0) }
  }

  /// Notes that a batch is on the disk.
  func noteCommit(of size: Int, took duration: Duration, _ writer: Writer) {
    state.withLock { state in
      Self.note(writer, &state)
      state.figures.isFailing = false
      state.figures.batchSizes.add(Double(size))
      state.figures.commitSeconds.add(duration / .seconds(1))
    }
  }

  /// Notes that a batch could not be written.
  func noteFailure() {
    state.withLock { state in
      state.figures.failures += 1
      state.figures.isFailing = true
    }
  }

  private static func note(_ writer: Writer, _ state: inout State) {
    state.totals = writer.committed.totals
    state.figures.sequence = writer.committed.totals.sequence
    state.figures.oldestSequence = writer.committed.history.oldestSequence
    state.figures.messages = writer.bus.totals.messages
    state.figures.messagesInDelivery = writer.bus.totals.inDelivery
    state.figures.deadLetters = writer.committed.deadLetters
    state.figures.lookedAt = writer.lookedAtCount
    state.figures.pages = state.figures.pages + writer.database.takePageFigures()
  }
}
