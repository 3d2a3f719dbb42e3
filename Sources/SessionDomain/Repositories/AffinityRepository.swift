/// Which sessions work for which. As with sessions, every call that returns has happened for good, and every call that
/// throws changed nothing; any call may throw `storage`, `overloaded` and `closed`.
///
/// An affinity goes with the session that has it, and targets that are deleted leave it. Whose turn it is, and how well
/// targets were, is not kept over a restart.
public protocol AffinityRepository: Sendable {
  /// Sets a session's affinity, in place of the one it may have, and returns it as it stands then.
  ///
  /// Throws `invalidArgument`, `notFound` and `notAnID` for the session or a target.
  func setAffinity(_ draft: AffinityDraft) async throws(SessionError) -> Affinity

  /// A session's affinity. Throws `notFound`, `affinityNotFound`.
  func affinity(of id: SessionID) async throws(SessionError) -> Affinity

  /// Removes a session's affinity. Throws `notFound`, `affinityNotFound`.
  func deleteAffinity(of id: SessionID) async throws(SessionError)

  /// Picks the target that gets the next piece of work, and takes the turn.
  ///
  /// `key` is empty for none; it matters to consistent hashing only. Throws `invalidArgument`, `notFound`,
  /// `affinityNotFound`, and `noTarget` when no target can take work.
  func resolveAffinity(of id: SessionID, key: String) async throws(SessionError) -> AffinityChoice
}
