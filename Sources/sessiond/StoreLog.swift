import Logging
import SessionStore

extension Logger {
  /// Tells what an operator may want to know of the store.
  func log(_ notice: StoreNotice) {
    switch notice {
    case .migrating(let from, let to, let sessions):
      info("the file is brought up to date", metadata: ["from": "\(from)", "to": "\(to)", "sessions": "\(sessions)"])
    case .migrated(let version): info("the file is up to date", metadata: ["version": "\(version)"])
    case .buildingIndex(let name, let sessions):
      info("an index is built", metadata: ["name": "\(name)", "sessions": "\(sessions)"])
    case .builtIndex(let name): info("an index is there", metadata: ["name": "\(name)"])
    case .droppedIndex(let name): info("an index is dropped", metadata: ["name": "\(name)"])
    case .searchMemoryExceeded(let bytesMax):
      warning(
        "searches read the file until the next start: their texts take more than searchMemoryBytes",
        metadata: ["searchMemoryBytes": "\(bytesMax)"])
    case .searchMemoryUnreadable:
      warning("searches read the file until the next start: it has a damaged page or row")
    }
  }
}
