import SessionDomain

extension SQLiteSessionRepository: AffinityRepository {
  /// Sets a session's affinity; see `AffinityRepository`.
  public func setAffinity(_ draft: AffinityDraft) async throws(SessionError) -> Affinity {
    // What is wrong without a look at the sessions does not take the committer's time.
    if !draft.check(types: [:]).violations.isEmpty {
      let checked = try await readers.read { (database) throws(SessionError) in
        try storing { () throws(StorageFailure) in try draft.check(in: database) }
      }
      throw .invalidArgument(checked.violations)
    }
    return try await committer.submit { (writer) throws(SessionError) in try writer.setAffinity(draft) }
  }

  /// A session's affinity; see `AffinityRepository`.
  public func affinity(of id: SessionID) async throws(SessionError) -> Affinity {
    try await readers.readAtOnce { (database) throws(SessionError) in
      let found = try storing { () throws(StorageFailure) in
        (try SessionLookup.exists(id, in: database), try AffinityLookup.find(id, in: database))
      }
      guard found.0 else { throw .notFound(id) }
      guard let affinity = found.1 else { throw .affinityNotFound(id) }
      return affinity
    }
  }

  /// Removes a session's affinity; see `AffinityRepository`.
  public func deleteAffinity(of id: SessionID) async throws(SessionError) {
    try await committer.submit { (writer) throws(SessionError) in try writer.deleteAffinity(of: id) }
  }

  /// Picks a target and takes the turn; see `AffinityRepository`.
  ///
  /// It is the committer that picks, so that what it sees of the targets cannot change before the turn is taken.
  public func resolveAffinity(of id: SessionID, key: String) async throws(SessionError) -> AffinityChoice {
    let key = AffinityKey(key)
    return try await committer.submit { (writer) throws(SessionError) in try writer.resolveAffinity(of: id, key: key) }
  }
}
