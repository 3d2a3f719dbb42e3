import CSQLite
import SessionDomain

extension StorageFailure {
  /// What an extended result code means to an operator (https://www.sqlite.org/rescode.html).
  init(code: Int32, statement: String) {
    let kind: Kind =
      switch code & 0xff {
      case SQLITE_BUSY, SQLITE_LOCKED: .busy
      case SQLITE_FULL: .full
      case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
      case SQLITE_READONLY, SQLITE_PERM: .readOnly
      case SQLITE_INTERRUPT: .interrupted
      case SQLITE_IOERR, SQLITE_CANTOPEN: .io
      default: .other
      }
    self.init(kind: kind, extendedCode: code, statement: statement)
  }
}
