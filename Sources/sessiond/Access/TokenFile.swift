import Foundation
import Glibc
import RPCServices

/// The file that says who may call.
struct TokenFile: Sendable {
  let path: String

  /// Whether others than its owner may read or change it.
  var isOpenToOthers: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
  }

  /// Reads it.
  /// - Throws: `TokenFileError`.
  func read() throws -> AccessFile {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw TokenFileError(path: path, problem: access(path, R_OK) == 0 ? "it cannot be read" : systemError())
    }
    do {
      return try AccessFile(parsing: String(decoding: data, as: UTF8.self))
    } catch {
      throw TokenFileError(path: path, problem: "\(error)")
    }
  }

  /// Changes it as a whole: who reads it meanwhile sees what it was, or what it is to be. A new one is for its owner
  /// alone; changes wait for each other.
  /// - Throws: `TokenFileError`, or what `change` throws, which leaves the file as it was.
  func update(_ change: (inout AccessFile) throws -> Void) throws {
    // A link stays one: what it leads to is replaced.
    let target = URL(filePath: path).resolvingSymlinksInPath()
    let folder = open(target.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw TokenFileError(path: path, problem: systemError()) }
    defer { close(folder) }
    guard flock(folder, LOCK_EX) == 0 else { throw TokenFileError(path: path, problem: systemError()) }

    var status = stat()
    let exists = stat(target.path, &status) == 0
    var file = exists ? try read() : AccessFile()
    try change(&file)
    let next = target.path + ".new"
    guard writeWhole(file.text, to: next, like: exists ? status : nil), rename(next, target.path) == 0,
      fsync(folder) == 0
    else {
      let problem = systemError()
      unlink(next)
      throw TokenFileError(path: path, problem: problem)
    }
  }

  // Leaves the reason for failing in `errno`.
  private func writeWhole(_ text: String, to path: String, like old: stat?) -> Bool {
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    if let old {
      // The server may run as another user than who changes its file.
      guard fchown(file, old.st_uid, old.st_gid) == 0, fchmod(file, old.st_mode & 0o777) == 0 else { return false }
    }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count >= 0 else { return false }
      bytes = bytes.dropFirst(count)
    }
    return fsync(file) == 0
  }
}

/// What the last call of the system went wrong by.
func systemError() -> String { String(cString: strerror(errno)) }

/// What is wrong with the file of tokens.
struct TokenFileError: Error, CustomStringConvertible {
  let path: String
  let problem: String

  var description: String { "tokenFile is \"\(path)\": \(problem)" }
}
