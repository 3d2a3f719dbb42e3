import SessionDomain

/// What searches look into, of some sessions in the order of their ids.
///
/// The texts lie one after another, so that a search reads memory from its start to its end.
struct SearchChunk {
  static let sessionsMax = 2048
  /// With fewer than these, it goes together with its neighbour if it can.
  private static let sessionsMin = sessionsMax / 4
  /// Follows each text. No text in UTF-8 has it, so that nothing is found across two of them.
  private static let textEnd: UInt8 = 0xff
  /// An id as text, and what follows it.
  private static let idStride = 37

  private struct Entry {
    let id: SessionID
    let type: SessionType
    var activity: Timestamp
    /// Where its texts end, and those of the next begin.
    var textsEnd: Int
  }

  private var entries: [Entry] = []
  /// Ids as texts.
  private var ids: [UInt8] = []
  /// Folded names and workspaces.
  private var texts: [UInt8] = []
  /// No session was active later; the one that was may be gone.
  private(set) var latest = Timestamp(microseconds: .min)

  var count: Int { entries.count }

  /// What it takes of memory, also where nothing is yet.
  var bytes: Int { entries.capacity * MemoryLayout<Entry>.stride + ids.capacity + texts.capacity }

  /// What it has to take.
  private var usedBytes: Int { entries.count * MemoryLayout<Entry>.stride + ids.count + texts.count }

  var isSmall: Bool { entries.count < Self.sessionsMin }

  func id(at index: Int) -> SessionID { entries[index].id }

  func activity(at index: Int) -> Timestamp { entries[index].activity }

  /// All that it has, for comparing.
  var contents: [Content] {
    entries.indices.map { index in
      Content(
        id: entries[index].id, type: entries[index].type, activity: entries[index].activity,
        idText: Array(ids[index * Self.idStride..<(index + 1) * Self.idStride]),
        texts: Array(texts[textsStart(index)..<entries[index].textsEnd]))
    }
  }

  struct Content: Hashable {
    let id: SessionID
    let type: SessionType
    let activity: Timestamp
    let idText: [UInt8]
    let texts: [UInt8]
  }

  /// The first session whose id is not less; the end when there is none.
  func index(notBefore id: SessionID) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Appends a name or a workspace as it is kept.
  static func append(_ text: UnsafeBufferPointer<UInt8>?, to texts: inout [UInt8]) {
    if let text { SearchText.appendFolded(text, to: &texts) }
    texts.append(textEnd)
  }

  mutating func insert(_ id: SessionID, _ type: SessionType, texts: [UInt8], activity: Timestamp, at index: Int) {
    let start = textsStart(index)
    moveTexts(from: index, by: texts.count)
    entries.insert(Entry(id: id, type: type, activity: activity, textsEnd: start + texts.count), at: index)
    ids.insert(contentsOf: Array(id.description.utf8) + [Self.textEnd], at: index * Self.idStride)
    self.texts.insert(contentsOf: texts, at: start)
    latest = max(latest, activity)
  }

  mutating func update(texts: [UInt8], activity: Timestamp, at index: Int) {
    entries[index].activity = activity
    latest = max(latest, activity)
    let range = textsStart(index)..<entries[index].textsEnd
    guard !self.texts[range].elementsEqual(texts) else { return }
    self.texts.replaceSubrange(range, with: texts)
    moveTexts(from: index, by: texts.count - range.count)
  }

  mutating func noteActivity(_ time: Timestamp, at index: Int) {
    entries[index].activity = max(entries[index].activity, time)
    latest = max(latest, time)
  }

  mutating func remove(at index: Int) {
    let range = textsStart(index)..<entries[index].textsEnd
    entries.remove(at: index)
    ids.removeSubrange(index * Self.idStride..<(index + 1) * Self.idStride)
    texts.removeSubrange(range)
    moveTexts(from: index, by: -range.count)
    // Arrays give nothing back by themselves.
    if bytes > 2 * usedBytes { trim() }
  }

  /// Gives back what it has no use for.
  mutating func trim() {
    var exact = SearchChunk()
    exact.append(self)
    self = exact
  }

  /// Takes sessions whose ids are greater than all that are here.
  mutating func append(_ upper: SearchChunk) {
    let (count, start) = (entries.count, texts.count)
    entries.reserveCapacity(count + upper.entries.count)
    ids.reserveCapacity(ids.count + upper.ids.count)
    texts.reserveCapacity(start + upper.texts.count)
    entries += upper.entries
    ids += upper.ids
    texts += upper.texts
    moveTexts(from: count, by: start)
    latest = max(latest, upper.latest)
  }

  /// Takes away the sessions from the middle on, and gives them.
  mutating func split() -> SearchChunk {
    let middle = entries.count / 2
    let start = textsStart(middle)
    var upper = SearchChunk()
    upper.entries = Array(entries[middle...])
    upper.moveTexts(from: 0, by: -start)
    upper.ids = Array(ids[(middle * Self.idStride)...])
    upper.texts = Array(texts[start...])
    upper.latest = latest
    entries.removeSubrange(middle...)
    ids.removeSubrange((middle * Self.idStride)...)
    texts.removeSubrange(start...)
    return upper
  }

  private mutating func moveTexts(from index: Int, by count: Int) {
    for later in index..<entries.count { entries[later].textsEnd += count }
  }

  private func textsStart(_ index: Int) -> Int { index == 0 ? 0 : entries[index - 1].textsEnd }
}

// MARK: Finding

extension SearchChunk {
  /// Hands out the places of the sessions that match, each once, in order.
  func matches(_ sought: SoughtText, _ body: (Int) -> Void) {
    var isMatch = [Bool](repeating: false, count: entries.count)
    var isAny = false
    if !sought.types.isEmpty {
      for index in entries.indices where sought.types.contains(entries[index].type) {
        isMatch[index] = true
        isAny = true
      }
    }
    texts.withUnsafeBufferPointer { texts in
      var next = 0
      while let place = sought.find(in: texts, from: next) {
        let index = self.index(ofTextAt: place)
        isMatch[index] = true
        isAny = true
        next = entries[index].textsEnd
      }
    }
    if sought.canBeInID {
      ids.withUnsafeBufferPointer { ids in
        var next = 0
        while let place = sought.find(in: ids, from: next) {
          isMatch[place / Self.idStride] = true
          isAny = true
          next = (place / Self.idStride + 1) * Self.idStride
        }
      }
    }
    guard isAny else { return }
    for index in isMatch.indices where isMatch[index] { body(index) }
  }

  private func index(ofTextAt place: Int) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].textsEnd <= place { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
