import SessionDomain

/// Parents and children.
extension Writer {
  /// Throws `invalidArgument` unless a session, nil for a new one, may have this parent.
  func checkParent(_ id: SessionID?, over child: SessionID? = nil) throws(SessionError) {
    guard let id else { return }
    let violation = try storing { () throws(StorageFailure) in
      try ParentRule.violation(of: id, over: child, in: database)
    }
    if let violation { throw .invalidArgument([violation]) }
  }

  func childIDs(of id: SessionID) throws(StorageFailure) -> [SessionID] {
    let statement = try database.bound(Self.childIDs(of: id))
    defer { statement.reset() }
    var children: [SessionID] = []
    while try statement.step() {
      var row = statement.row
      guard let child = SessionID(row.text()) else { throw SessionRow.damaged }
      children.append(child)
    }
    return children.sorted()
  }

  static func childIDs(of id: SessionID) -> SQLFragment {
    "SELECT id FROM sessions WHERE parent_id = \(.text(id.description))"
  }

  /// All sessions below one, the deepest first, then by id.
  func descendants(of id: SessionID) throws(StorageFailure) -> [SessionID] {
    var levels: [[SessionID]] = []
    var level = try childIDs(of: id)
    while !level.isEmpty {
      levels.append(level)
      var next: [SessionID] = []
      for id in level { next += try childIDs(of: id) }
      level = next.sorted()
    }
    return levels.reversed().flatMap { $0 }
  }

  /// All sessions in no final status, children before parents: the deepest first, then by id. Those that have finished
  /// count as levels, too.
  func unfinished() throws(StorageFailure) -> [SessionID] {
    var parents: [SessionID: SessionID?] = [:]
    let statement = try database.bound(StatusLookup.all(where: { !$0.isFinal }, "id, parent_id"))
    defer { statement.reset() }
    while try statement.step() {
      var row = statement.row
      guard let id = SessionID(row.text()) else { throw SessionRow.damaged }
      parents.updateValue(row.optionalText().flatMap { SessionID($0) }, forKey: id)
    }
    let ids = Array(parents.keys)
    var depths: [SessionID: Int] = [:]
    for id in ids { try findDepth(of: id, &parents, &depths) }
    return ids.sorted { left, right in
      let (leftDepth, rightDepth) = (depths[left] ?? 0, depths[right] ?? 0)
      return leftDepth == rightDepth ? left < right : leftDepth > rightDepth
    }
  }

  /// Notes how many sessions are above this one and above each of those. Goes up first and then down again, since
  /// lines may be longer than a stack.
  private func findDepth(
    of id: SessionID, _ parents: inout [SessionID: SessionID?], _ depths: inout [SessionID: Int]
  ) throws(StorageFailure) {
    var line: [SessionID] = []
    var next: SessionID? = id
    while let id = next, depths[id] == nil {
      line.append(id)
      if let known = parents[id] {
        next = known
      } else {
        next = try SessionLookup.parent(of: id, in: database) ?? nil
        parents.updateValue(next, forKey: id)
      }
    }
    var depth = next.flatMap { depths[$0] } ?? -1
    for id in line.reversed() {
      depth += 1
      depths[id] = depth
    }
  }
}

/// What is wrong with a parent that the file does not allow.
enum ParentRule {
  private static let missing = missing(at: "session.parent_id")
  private static let cycle = FieldViolation(
    path: "session.parent_id", description: "a session is not above itself: its parent may not be one of its own line")

  /// Why a session may not be the parent of another, nil for a new one; nil when it may.
  static func violation(
    of parent: SessionID, over child: SessionID?, in database: Database
  ) throws(StorageFailure) -> FieldViolation? {
    guard var ancestors = try SessionLookup.parent(of: parent, in: database) else { return missing }
    guard let child else { return nil }
    if parent == child { return cycle }
    while let ancestor = ancestors {
      if ancestor == child { return cycle }
      ancestors = try SessionLookup.parent(of: ancestor, in: database) ?? nil
    }
    return nil
  }

  static func missing(at path: String) -> FieldViolation {
    FieldViolation(path: path, description: "a parent is an existing session")
  }
}
