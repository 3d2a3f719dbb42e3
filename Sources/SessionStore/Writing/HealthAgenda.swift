import SessionDomain

/// To whom the next look at health comes, and when.
///
/// Only to sessions whose health can have changed: something happened to them, or time alone may have changed it. All
/// others are as they were. So a look costs what has happened, and not what there is.
struct HealthAgenda {
  private enum Stage {
    case waiting
    /// Who has been without activity for long is being found.
    case gathering
    /// Before this part of the suspects.
    case taking(part: Int)
  }

  /// How many parts the suspects are kept in. Sorting a million at once would have others wait.
  static let partsCount = Meters.partsCount

  /// Whether anything is noted; without looks it would be for ever.
  private let isKept: Bool
  private var suspects = [Set<SessionID>](repeating: [], count: partsCount)
  private var stage = Stage.waiting
  /// Sessions that the look has yet to come to which has begun, in order.
  private var queue: ArraySlice<SessionID> = []
  /// When the next look begins.
  private(set) var deadline: ContinuousClock.Instant

  init(isKept: Bool, deadline: ContinuousClock.Instant) {
    self.isKept = isKept
    self.deadline = deadline
  }

  /// Whether a look has begun that has not come to all.
  var isUnderway: Bool {
    if case .waiting = stage { false } else { true }
  }

  /// Has the next look come to these sessions. One that has begun may not.
  mutating func note(_ ids: some Sequence<SessionID>) {
    guard isKept else { return }
    for id in ids { suspects[Meters.part(of: id)].insert(id) }
  }

  mutating func note(_ id: SessionID) { note(CollectionOfOne(id)) }

  /// Forgets a session that has finished or is gone.
  mutating func forget(_ id: SessionID) { suspects[Meters.part(of: id)].remove(id) }

  /// How many sessions are noted.
  var count: Int { suspects.reduce(0) { $0 + $1.count } }

  /// Begins a look, unless one has begun.
  mutating func begin() {
    if case .waiting = stage { stage = .gathering }
  }

  /// Whether who has been without activity for long is still to be noted.
  var isGathering: Bool {
    if case .gathering = stage { true } else { false }
  }

  /// Says that all of them are noted.
  mutating func endGathering() { stage = .taking(part: 0) }

  /// Takes those to whom the look comes now, at most `max`; `reported` gives those of a part that have reported.
  mutating func take(_ max: Int, reported: (Int) -> Set<SessionID>) -> ArraySlice<SessionID> {
    guard case .taking(var part) = stage else { return [] }
    while queue.count < max, part < Self.partsCount {
      queue = (queue + suspects[part].union(reported(part))).sorted()[...]
      suspects[part] = []
      part += 1
    }
    stage = .taking(part: part)
    let ids = queue.prefix(max)
    queue = queue.dropFirst(ids.count)
    return ids
  }

  /// Ends a look that has come to all; the next begins at `deadline`.
  mutating func endIfDone(next deadline: ContinuousClock.Instant) {
    guard case .taking(Self.partsCount) = stage, queue.isEmpty else { return }
    stage = .waiting
    self.deadline = deadline
  }
}
