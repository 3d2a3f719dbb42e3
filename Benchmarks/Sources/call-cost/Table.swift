import Foundation

/// The samples of one thing over all rounds.
struct Series {
  private(set) var samples: [Double] = []

  mutating func add(_ sample: Double) { samples.append(sample) }

  /// The one in the middle; 0 without samples.
  var median: Double {
    let sorted = samples.sorted()
    guard let upper = sorted.dropFirst(sorted.count / 2).first else { return 0 }
    return sorted.count.isMultiple(of: 2) ? (sorted[sorted.count / 2 - 1] + upper) / 2 : upper
  }

  var range: (Double, Double) { (samples.min() ?? 0, samples.max() ?? 0) }

  /// The quotients of the rounds, whose pairs met the same machine.
  static func / (left: Series, right: Series) -> Series {
    Series(samples: zip(left.samples, right.samples).map { $0 / $1 })
  }
}

/// A table of medians, with the range of the rounds beside each.
struct Table {
  private static let nameWidth = 44
  private static let columnWidth = 26

  func head(_ title: String, _ columns: [String]) {
    show("\n" + padded(title) + columns.map(right).joined())
  }

  func row(_ name: String, rate: Series, cpu: Series?) {
    show(padded("  " + name) + right(text(rate, digits: 0)) + (cpu.map { right(text($0, digits: 2)) } ?? ""))
  }

  func ratio(_ name: String, _ series: Series, target: String, column: Int) {
    let empty = String(repeating: " ", count: column * Self.columnWidth)
    show(padded("  " + name) + empty + right(text(series, digits: 2)) + "   target: \(target)")
  }

  /// Prints a line at once: a run takes a while, and who waits for a pipe wants to see it go on.
  func show(_ line: String) {
    print(line)
    fflush(nil)
  }

  private func text(_ series: Series, digits: Int) -> String {
    func number(_ value: Double) -> String {
      value.formatted(.number.precision(.fractionLength(digits)).locale(Locale(identifier: "en_US")))
    }
    let median = number(series.median)
    return series.samples.count > 1 ? "\(median) (\(number(series.range.0))-\(number(series.range.1)))" : median
  }

  private func padded(_ name: String) -> String { name + blanks(Self.nameWidth - name.count) }

  private func right(_ text: String) -> String { blanks(Self.columnWidth - text.count) + text }

  private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
