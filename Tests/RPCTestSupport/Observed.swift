import RPCCore
import Synchronization

/// A value that tests change in one task and wait for in another.
public final class Observed<Value: Sendable>: Sendable {
  private let state: Mutex<Value>
  private let changed = ChangeSignal()

  /// Starts with `value`.
  public init(_ value: Value) { state = Mutex(value) }

  /// The value now.
  public var value: Value { state.withLock { $0 } }

  /// Changes the value.
  public func update(_ change: (inout Value) -> Void) {
    state.withLock { change(&$0) }
    changed.notify()
  }

  /// Returns the value once it is as wanted.
  /// - Throws: `Overdue` when that takes longer than `limit`, `CancellationError` when the task is cancelled.
  @discardableResult
  public func wait(
    within limit: Duration = .seconds(120), until isWanted: @escaping @Sendable (Value) -> Bool
  ) async throws -> Value {
    try await within(limit) { [self] in
      while true {
        let generation = changed.generation
        let value = value
        if isWanted(value) { return value }
        try await changed.wait(after: generation)
      }
    }
  }
}

extension Observed where Value == Bool {
  /// Makes it true.
  public func open() { update { $0 = true } }

  /// Returns once it is true.
  public func waitUntilOpen() async throws { try await wait { $0 } }
}

/// Something did not happen in time.
public struct Overdue: Error {
  /// How long it was waited for.
  public let limit: Duration
}

/// What `work` returns, which must react to cancellation.
/// - Throws: `Overdue` when it takes longer than `limit`, or what `work` throws.
public func within<Output: Sendable>(
  _ limit: Duration = .seconds(120), _ work: @escaping @Sendable () async throws -> Output
) async throws -> Output {
  try await withThrowingTaskGroup(of: Output?.self) { group in
    group.addTask { try await work() }
    group.addTask {
      try await Task.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let output = first else { throw Overdue(limit: limit) }
    return output
  }
}

/// Returns by throwing once the task is cancelled, and says so.
/// - Throws: `CancellationError`; `Overdue` when nobody cancels.
public func waitForCancellation(_ isCancelled: Observed<Bool>) async throws {
  do {
    try await Observed(false).waitUntilOpen()
  } catch let error as CancellationError {
    isCancelled.open()
    throw error
  }
}
