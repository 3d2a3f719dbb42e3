import Glibc
import Synchronization

/// Keeps a second server off the same database: an exclusive `flock` on a file beside it, which ends with the process.
///
/// The file stays behind empty; removing it would let two servers lock two files of one name.
final class FileLock: Sendable {
  private let descriptor: Mutex<Int32?>

  init(beside databasePath: String) throws(StoreOpenError) {
    let path = databasePath + "-lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .lockFile(path: path, reason: String(cString: strerror(errno))) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let errorNumber = errno
      Glibc.close(descriptor)
      guard errorNumber == EWOULDBLOCK else {
        throw .lockFile(path: path, reason: String(cString: strerror(errorNumber)))
      }
      throw .inUse(path: databasePath)
    }
    self.descriptor = Mutex(descriptor)
  }

  deinit {
    release()
  }

  /// Lets others have the file; may be repeated.
  func release() {
    descriptor.withLock { descriptor in
      if let descriptor {
        // A child process that has yet to begin its own program has the descriptor too, and the lock with it.
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
      }
      descriptor = nil
    }
  }

  /// The path with links followed, so that two names of one file share one lock.
  static func resolved(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
