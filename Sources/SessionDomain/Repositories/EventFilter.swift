/// Which events, or which sessions, somebody wants to see. An empty set means all.
public struct EventFilter: Hashable, Sendable {
  /// Any of these kinds; sessions are not filtered by it.
  public var kinds: Set<EventKind>
  /// Any of these sessions; ids that do not exist are fine.
  public var sessionIDs: Set<SessionID>
  /// Any of these types.
  public var types: Set<SessionType>

  /// Makes a filter.
  public init(kinds: Set<EventKind> = [], sessionIDs: Set<SessionID> = [], types: Set<SessionType> = []) {
    self.kinds = kinds
    self.sessionIDs = sessionIDs
    self.types = types
  }

  /// Whether the event passes.
  public func matches(_ event: SessionEvent) -> Bool {
    (kinds.isEmpty || kinds.contains(event.kind)) && (types.isEmpty || types.contains(event.sessionType))
      && (sessionIDs.isEmpty || sessionIDs.contains(event.sessionID))
  }

  /// Whether the session passes.
  public func matches(_ session: Session) -> Bool {
    (types.isEmpty || types.contains(session.type)) && (sessionIDs.isEmpty || sessionIDs.contains(session.id))
  }
}

/// Where reading the history starts.
public enum EventPosition: Hashable, Sendable {
  /// At the oldest event still kept.
  case oldest
  /// After this sequence.
  case after(Int64)
}

/// A page of history.
public struct EventPage: Hashable, Sendable {
  /// The events that match, in order.
  public var events: [SessionEvent]
  /// Every event up to this one that matches has been given: where the next page starts.
  public var lastSequence: Int64
  /// The oldest event still kept when the page was read; one more than `newestSequence` when there is none.
  public var oldestSequence: Int64
  /// The newest event when the page was read; 0 when there never was one.
  public var newestSequence: Int64

  /// Whether there was more to read.
  public var hasMore: Bool { lastSequence < newestSequence }

  /// Makes a page.
  public init(events: [SessionEvent], lastSequence: Int64, oldestSequence: Int64, newestSequence: Int64) {
    self.events = events
    self.lastSequence = lastSequence
    self.oldestSequence = oldestSequence
    self.newestSequence = newestSequence
  }
}
