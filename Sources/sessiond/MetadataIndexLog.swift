import Logging
import SessionStore

extension Logger {
  /// Tells what happens to an index of metadata while the file is opened.
  func log(_ indexing: MetadataIndexing) {
    switch indexing {
    case .building(let name, let sessions):
      info("an index is built", metadata: ["name": "\(name)", "sessions": "\(sessions)"])
    case .built(let name): info("an index is there", metadata: ["name": "\(name)"])
    case .dropped(let name): info("an index is dropped", metadata: ["name": "\(name)"])
    }
  }
}
