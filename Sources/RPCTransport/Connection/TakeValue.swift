extension Optional {
  /// Leaves nil behind and returns what was there.
  mutating func takeValue() -> Wrapped? {
    defer { self = nil }
    return self
  }
}
