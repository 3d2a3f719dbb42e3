import SessionDomain

/// Why a database cannot be served. The file is left as it was.
public enum StoreOpenError: Error, Hashable, Sendable {
  /// Another server has it.
  case inUse(path: String)
  /// The lock file beside it cannot be made.
  case lockFile(path: String, reason: String)
  /// It was written by a newer version of this program.
  case newerSchema(path: String, found: Int64, supported: Int64)
  /// It is a database, but not one of ours.
  case foreignDatabase(path: String)
  /// It is damaged, or no database at all.
  case corrupt(path: String)
  /// It cannot be written.
  case readOnly(path: String)
  /// Anything else that SQLite said.
  case storage(path: String, StorageFailure)
  /// The system has no thread left.
  case noThread(errorNumber: Int32)
}

extension StoreOpenError {
  init(_ failure: StorageFailure, path: String) {
    self =
      switch failure.kind {
      case .corrupt: .corrupt(path: path)
      case .readOnly: .readOnly(path: path)
      case .busy: .inUse(path: path)
      case .full, .io, .interrupted, .other: .storage(path: path, failure)
      }
  }
}

extension StoreOpenError: CustomStringConvertible {
  /// One line for the operator.
  public var description: String {
    switch self {
    case .inUse(let path): "\(path) is in use by another process"
    case .lockFile(let path, let reason): "\(path) cannot be opened: \(reason)"
    case .newerSchema(let path, let found, let supported):
      "\(path) has schema version \(found), and this program knows versions up to \(supported): use a newer program"
    case .foreignDatabase(let path): "\(path) is a SQLite database of another program"
    case .corrupt(let path): "\(path) is damaged, or not a SQLite database"
    case .readOnly(let path): "\(path) cannot be written"
    case .storage(let path, let failure):
      "\(path) cannot be opened: SQLite error \(failure.extendedCode) (\(failure.kind)) in: \(failure.statement)"
    case .noThread(let errorNumber): "no thread could be started: error \(errorNumber)"
    }
  }
}
