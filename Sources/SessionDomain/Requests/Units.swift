/// Quantities as people write them.
public enum Units {
  /// Reads bytes: an integer or decimal, and an optional suffix b, k, m, g or t, the letters with an optional `b`, `i`
  /// or `ib`, in any case, all powers of 1024. A fraction of a byte is rounded to the nearest.
  ///
  /// Nil for anything else, and for more than `Int64.max`.
  public static func bytes(_ text: String) -> Int64? {
    guard let decimal = Decimal(text.utf8[...]) else { return nil }
    let suffix = decimal.rest.map { $0 | 0x20 }
    let shift: UInt128
    switch suffix.first {
    case nil: shift = 0
    case UInt8(ascii: "b"): return suffix.count == 1 ? decimal.multiplied(by: 1) : nil
    case UInt8(ascii: "k"): shift = 10
    case UInt8(ascii: "m"): shift = 20
    case UInt8(ascii: "g"): shift = 30
    case UInt8(ascii: "t"): shift = 40
    default: return nil
    }
    let ending = suffix.dropFirst()
    guard
      ending.isEmpty || ending.elementsEqual("b".utf8) || ending.elementsEqual("i".utf8)
        || ending.elementsEqual("ib".utf8)
    else { return nil }
    return decimal.multiplied(by: 1 << shift)
  }

  /// Reads cores as a decimal, or thousandths of a core with the suffix `m`, into thousandths of a core. A fraction of
  /// a thousandth is rounded to the nearest.
  ///
  /// Nil for anything else, and for more than `Int64.max`.
  public static func millicores(_ text: String) -> Int64? {
    guard let decimal = Decimal(text.utf8[...]) else { return nil }
    if decimal.rest.isEmpty { return decimal.multiplied(by: 1000) }
    guard decimal.rest.elementsEqual("m".utf8) || decimal.rest.elementsEqual("M".utf8) else { return nil }
    return decimal.multiplied(by: 1)
  }

  /// Reads an integer of decimal digits, without a sign.
  ///
  /// Nil for anything else, and for more than `Int64.max`.
  public static func count(_ text: String) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
    return Int64(text)
  }
}

/// A decimal number without a sign, exact, and the text after it.
private struct Decimal {
  let mantissa: UInt128
  let scale: UInt128
  let rest: Substring.UTF8View

  init?(_ text: Substring.UTF8View) {
    var rest = text
    var mantissa: UInt128 = 0
    var scale: UInt128 = 1
    var digits = 0
    var isFraction = false
    while let byte = rest.first {
      if byte == UInt8(ascii: "."), !isFraction, digits > 0 {
        isFraction = true
      } else if isDigit(byte) {
        digits += 1
        // 20 digits times 2^40 stay far below 2^128.
        guard digits <= 20 else { return nil }
        mantissa = mantissa * 10 + UInt128(byte - UInt8(ascii: "0"))
        if isFraction { scale *= 10 }
      } else {
        break
      }
      rest = rest.dropFirst()
    }
    guard digits > 0, !(isFraction && scale == 1) else { return nil }
    self.mantissa = mantissa
    self.scale = scale
    self.rest = rest
  }

  func multiplied(by unit: UInt128) -> Int64? {
    Int64(exactly: (mantissa * unit + scale / 2) / scale)
  }
}
