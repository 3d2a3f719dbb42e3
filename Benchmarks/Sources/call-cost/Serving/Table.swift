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

  static func - (left: Series, right: Series) -> Series {
    Series(samples: zip(left.samples, right.samples).map { $0 - $1 })
  }

  static func / (number: Double, series: Series) -> Series { Series(samples: series.samples.map { number / $0 }) }
}

/// A median, and the range of the rounds beside it where there were several.
struct Cell {
  let text: String

  init(_ series: Series, digits: Int) {
    func number(_ value: Double) -> String {
      value.formatted(.number.precision(.fractionLength(digits)).locale(Locale(identifier: "en_US")))
    }
    let median = number(series.median)
    text = series.samples.count > 1 ? "\(median) (\(number(series.range.0))-\(number(series.range.1)))" : median
  }
}

/// A table of medians, with the range of the rounds beside each.
struct Table {
  private static let nameWidth = 44
  private static let columnWidth = 26

  func head(_ title: String, _ columns: [String]) {
    show("\n" + padded(title) + columns.map(right).joined())
  }

  /// A row; a column without a cell stays empty.
  func row(_ name: String, _ cells: [Cell?], target: String? = nil) {
    show(padded("  " + name) + cells.map { right($0?.text ?? "") }.joined() + (target.map { "   target: \($0)" } ?? ""))
  }

  func row(_ name: String, _ costs: CallCosts) {
    row(name, [Cell(costs.rate, digits: 0), Cell(costs.cpu, digits: 2)])
  }

  /// The quotients of each series and the first, round by round, where there are several.
  func ratios(of series: [Series]) {
    for (index, other) in series.enumerated().dropFirst() {
      row("  server \(index + 1) / the first", [Cell(other / series[0], digits: 3)])
    }
  }

  /// Prints a line at once: a run takes a while, and who waits for a pipe wants to see it go on.
  func show(_ line: String) {
    print(line)
    fflush(nil)
  }

  private func padded(_ name: String) -> String { name + blanks(Self.nameWidth - name.count) }

  private func right(_ text: String) -> String { blanks(Self.columnWidth - text.count) + text }

  private func blanks(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
