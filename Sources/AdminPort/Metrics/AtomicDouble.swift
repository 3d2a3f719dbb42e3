import Synchronization

extension Double {
  /// The nearest number that is finite; nothing comes back from an infinite sum.
  var finite: Double { min(max(self, -.greatestFiniteMagnitude), .greatestFiniteMagnitude) }
}

extension Atomic where Value == UInt64 {
  /// Replaces the number whose bits these are.
  func update(_ change: (Double) -> Double) {
    var old = load(ordering: .relaxed)
    while true {
      let new = change(Double(bitPattern: old)).bitPattern
      let (exchanged, now) = weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = now
    }
  }
}
