/// A metric's samples in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats).
public struct Exposition: Sendable {
  /// The content type of the format.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Names and values that tell a sample from others of its metric.
  public typealias Labels = [(name: String, value: String)]

  /// What was written so far.
  public private(set) var text = ""
  // Of metrics and samples alike.
  private var names: Set<String> = []

  /// Writes nothing yet.
  public init() {}

  /// Writes what can go up and down.
  public mutating func gauge(_ name: String, _ help: String, _ value: Double) {
    gauge(name, help, [([], value)])
  }

  /// Writes what can go up and down, once for each of several labels.
  public mutating func gauge(_ name: String, _ help: String, _ samples: [(Labels, Double)]) {
    begin(name, .gauge, help)
    for (labels, value) in samples { write(name, labels, value) }
  }

  /// Writes what only goes up.
  public mutating func counter(_ name: String, _ help: String, _ value: Double) {
    counter(name, help, [([], value)])
  }

  /// Writes what only goes up, once for each of several labels.
  public mutating func counter(_ name: String, _ help: String, _ samples: [(Labels, Double)]) {
    begin(name, .counter, help)
    for (labels, value) in samples { write(name, labels, value) }
  }

  /// Values sorted by bounds.
  public struct Distribution: Sendable {
    /// The bounds, ascending.
    public let bounds: [Double]
    /// Values up to each bound that are beyond the one before it; then those beyond all.
    public let counts: [UInt64]
    /// The sum of all values.
    public let sum: Double

    /// A distribution over `bounds`, of one count more.
    public init(bounds: [Double], counts: [UInt64], sum: Double) {
      self.bounds = bounds
      self.counts = counts
      self.sum = sum
    }
  }

  /// Writes how values are distributed, for each of several labels.
  public mutating func histogram(_ name: String, _ help: String, _ samples: [(Labels, Distribution)]) {
    begin(name, .histogram, help)
    for (labels, distribution) in samples {
      var count: UInt64 = 0
      let bounds = distribution.bounds.map(Self.text) + ["+Inf"]
      for (bound, more) in zip(bounds, distribution.counts) {
        count += more
        write("\(name)_bucket", labels, Double(count), bound: bound)
      }
      write("\(name)_sum", labels, distribution.sum)
      write("\(name)_count", labels, Double(count))
    }
  }

  /// Whether no metric is there by one of the names that this one would have.
  func isFree(_ name: String, _ type: MetricType) -> Bool { names.isDisjoint(with: type.names(of: name)) }

  /// Writes a line that only people read; what it says has no end of line in it.
  mutating func comment(_ line: String) { text += "# \(line)\n" }

  private mutating func begin(_ name: String, _ type: MetricType, _ help: String) {
    names.formUnion(type.names(of: name))
    text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(type)\n"
  }

  private mutating func write(_ name: String, _ labels: Labels, _ value: Double, bound: String? = nil) {
    text += name
    var opening = "{"
    for (label, value) in labels {
      text += "\(opening)\(label)=\"\(Self.escaped(value, quotes: true))\""
      opening = ","
    }
    if let bound {
      text += "\(opening)le=\"\(bound)\""
      opening = ","
    }
    text += opening == "{" ? " \(Self.text(value))\n" : "} \(Self.text(value))\n"
  }

  // Counts are whole numbers, and read better so.
  private static func text(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return "\(whole)" }
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    guard text.contains(where: { $0 == "\\" || $0.isNewline || $0 == "\"" }) else { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
