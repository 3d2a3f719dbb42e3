import SessionDomain
import Synchronization

/// Opens once; whoever waits then goes on, without having blocked a thread.
final class Latch: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [UnsafeContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  var isOpen: Bool { state.withLock { $0.isOpen } }

  /// Waits until it is open or the time is over or the task is cancelled, each of which opens it.
  func wait(until deadline: ContinuousClock.Instant, _ clock: any MonotonicClock) async {
    let timer = Task {
      // Cancelled, it opens what is open already.
      try? await clock.sleep(until: deadline, tolerance: nil)
      open()
    }
    await withTaskCancellationHandler {
      await wait()
    } onCancel: {
      open()
    }
    timer.cancel()
  }

  func wait() async {
    await withUnsafeContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}
