import SessionDomain

/// A change that waits to be committed, and the caller that waits for it.
protocol PendingChange: AnyObject, Sendable {
  /// Applies the change and keeps what came of it.
  func apply(to writer: Writer)
  /// Gives the caller what came of it; the batch is committed.
  func answer()
  /// Gives the caller an error; nothing of the change happened.
  func fail(_ error: SessionError)
}

/// A change with an output of some type. The caller makes it, then only the committer's thread touches it, which is
/// what makes the unchecked conformance true.
final class Change<Output: Sendable>: PendingChange, @unchecked Sendable {
  typealias Body = @Sendable (Writer) throws(SessionError) -> Output

  private let body: Body
  private let needsSavepoint: Bool
  private let continuation: UnsafeContinuation<Result<Output, SessionError>, Never>
  private var result: Result<Output, SessionError> = .failure(.closed)

  init(
    _ continuation: UnsafeContinuation<Result<Output, SessionError>, Never>, needsSavepoint: Bool,
    _ body: @escaping Body
  ) {
    self.continuation = continuation
    self.needsSavepoint = needsSavepoint
    self.body = body
  }

  func apply(to writer: Writer) {
    do throws(SessionError) {
      result = .success(try writer.apply(needsSavepoint: needsSavepoint, body))
    } catch {
      result = .failure(error)
    }
  }

  func answer() {
    continuation.resume(returning: result)
  }

  func fail(_ error: SessionError) {
    // The failure of its own statement says more than that of the batch.
    if case .failure(.storage) = result { return answer() }
    continuation.resume(returning: .failure(error))
  }
}
