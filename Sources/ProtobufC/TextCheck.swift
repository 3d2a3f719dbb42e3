enum TextCheck {
  case valid, containsNUL, invalidUTF8
}

/// Whether `bytes` are UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates) without U+0000.
func checkText(_ bytes: UnsafeRawBufferPointer) -> TextCheck {
  var index = 0
  let end = bytes.count
  while end &- index >= 8 {
    let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
    // Eight ASCII bytes, none of them zero: the high bits are clear, and subtracting 1 from each sets none.
    guard (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 == 0 else { break }
    index &+= 8
  }
  while index < end {
    let lead = bytes[index]
    index += 1
    let followers: Int
    // What the second byte may be.
    var range: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0: return .containsNUL
    case 0x01...0x7F: continue
    case 0xC2...0xDF: followers = 1
    case 0xE0: (followers, range) = (2, 0xA0...0xBF)
    case 0xED: (followers, range) = (2, 0x80...0x9F)
    case 0xE1...0xEF: followers = 2
    case 0xF0: (followers, range) = (3, 0x90...0xBF)
    case 0xF4: (followers, range) = (3, 0x80...0x8F)
    case 0xF1...0xF3: followers = 3
    default: return .invalidUTF8
    }
    guard end - index >= followers, range.contains(bytes[index]) else { return .invalidUTF8 }
    for follower in 1..<3 where follower < followers {
      guard bytes[index + follower] & 0xC0 == 0x80 else { return .invalidUTF8 }
    }
    index += followers
  }
  return .valid
}
