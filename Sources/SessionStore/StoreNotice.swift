/// What an operator may want to know of a store, most of it while it is opened.
public enum StoreNotice: Hashable, Sendable {
  /// The file is brought up to date, which takes a while where there are many sessions.
  case migrating(from: Int, to: Int, sessions: Int64)
  /// The file is up to date.
  case migrated(to: Int)
  /// An index of a place in the metadata is built, which takes a while where there are many sessions.
  case buildingIndex(name: String, sessions: Int64)
  /// The index is there.
  case builtIndex(name: String)
  /// The index is gone, as nobody wants it any more.
  case droppedIndex(name: String)
  /// Searches read the file until the store is opened again: what they look into takes more memory than it may.
  case searchMemoryExceeded(bytesMax: Int)
  /// Searches read the file until the store is opened again: it has a damaged page or row.
  case searchMemoryUnreadable
}
