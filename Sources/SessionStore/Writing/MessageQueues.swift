import SessionDomain

/// What the message bus holds for sessions, for the changes that end them. It is asked inside of their transaction.
protocol MessageQueues: Sendable {
  /// Sends every message that waits for a session or is in delivery to it to the dead letters; how many they were.
  func discardAll(of id: SessionID, reason: String, in database: Database) throws(StorageFailure) -> Int
}
