extension String {
  /// The text, or as much of its beginning as fits into `bytesMax` bytes of UTF-8 together with an ellipsis.
  public func shortened(toBytes bytesMax: Int) -> String {
    guard utf8.count > bytesMax else { return self }
    let ellipsis = "..."
    var end = utf8.index(startIndex, offsetBy: max(0, bytesMax - ellipsis.utf8.count))
    // Not inside a character's bytes.
    while end > startIndex, UTF8.isContinuation(utf8[end]) { end = utf8.index(before: end) }
    return String(self[..<end]) + ellipsis
  }
}
