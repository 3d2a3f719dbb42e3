// What the generated code calls, field by field: C to Swift under `Field`, Swift to C on the arena.

public import CProtobufC
import Glibc

/// Reads the fields of C messages.
public enum Field {
  /// A string field. protobuf-c never leaves one null; an empty one points to static storage.
  @inlinable
  public static func string(_ text: UnsafePointer<CChar>?) -> String {
    guard let text, text.pointee != 0 else { return "" }
    return String(cString: text)
  }

  /// A bytes field.
  @inlinable
  public static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: data.data, count: data.len))
  }

  /// A message field; nil when it was not there.
  @inlinable
  public static func message<Message: ProtobufMessage>(
    _ c: UnsafeMutablePointer<Message.CMessage>?, as _: Message.Type = Message.self
  ) -> Message? {
    guard let c else { return nil }
    return Message(copying: UnsafePointer(c))
  }

  /// A repeated string field.
  @inlinable
  public static func strings(_ base: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
    UnsafeBufferPointer(start: base, count: base == nil ? 0 : count).map { string($0) }
  }

  /// A repeated bytes field.
  @inlinable
  public static func byteStrings(_ base: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int) -> [[UInt8]] {
    UnsafeBufferPointer(start: base, count: base == nil ? 0 : count).map(bytes)
  }

  /// A repeated bool field.
  @inlinable
  public static func booleans(_ base: UnsafeMutablePointer<protobuf_c_boolean>?, _ count: Int) -> [Bool] {
    UnsafeBufferPointer(start: base, count: base == nil ? 0 : count).map { $0 != 0 }
  }

  /// A repeated enum field; protoc-c makes every C enum 32 bits wide.
  @inlinable
  public static func enumerations<CEnum, Enum: ProtobufEnum>(
    _ base: UnsafeMutablePointer<CEnum>?, _ count: Int, as _: Enum.Type = Enum.self
  ) -> [Enum] {
    guard let base else { return [] }
    let raw = UnsafeRawPointer(base)
    return (0..<count).map { Enum(rawValue: raw.load(fromByteOffset: $0 * 4, as: Int32.self)) }
  }

  /// A repeated field of numbers, copied as they are.
  @inlinable
  public static func numbers<Number>(_ base: UnsafeMutablePointer<Number>?, _ count: Int) -> [Number] {
    Array(UnsafeBufferPointer(start: base, count: base == nil ? 0 : count))
  }

  /// A repeated message field.
  @inlinable
  public static func messages<Message: ProtobufMessage>(
    _ base: UnsafeMutablePointer<UnsafeMutablePointer<Message.CMessage>?>?, _ count: Int,
    as _: Message.Type = Message.self
  ) -> [Message] {
    guard let base, count > 0 else { return [] }
    var messages: [Message] = []
    messages.reserveCapacity(count)
    for c in UnsafeBufferPointer(start: base, count: count) {
      if let c { messages.append(Message(copying: UnsafePointer(c))) }
    }
    return messages
  }

  /// A map field: repeated entries on the wire, the last of a key wins.
  @inlinable
  public static func map<CEntry, Key: Hashable, Value>(
    _ base: UnsafeMutablePointer<UnsafeMutablePointer<CEntry>?>?, _ count: Int,
    _ read: (UnsafeMutablePointer<CEntry>) -> (Key, Value)
  ) -> [Key: Value] {
    guard let base, count > 0 else { return [:] }
    // Reserving is not specialized for the types, and dearer than to grow once.
    var map = count < 4 ? [:] : [Key: Value](minimumCapacity: count)
    for entry in UnsafeBufferPointer(start: base, count: count) {
      guard let entry else { continue }
      let (key, value) = read(entry)
      map[key] = value
    }
    return map
  }
}

extension Arena {
  /// An arena for encoding: bounded only by memory, since what is encoded is the program's own.
  @inlinable
  static func forEncoding(lending stack: UnsafeMutableRawBufferPointer) -> Arena {
    Arena(encodingWith: stack)
  }

  @usableFromInline
  init(encodingWith stack: UnsafeMutableRawBufferPointer) { self.init(lending: stack, bytesMax: .max) }

  /// Room for `count` values.
  public mutating func array<Element>(of _: Element.Type = Element.self, count: Int) -> UnsafeMutablePointer<Element> {
    guard let raw = allocate(MemoryLayout<Element>.stride * count) else {
      // The encoding arena has no bound of its own, so this is an overflow of Int: our own bug.
      preconditionFailure("an array of \(count) elements does not fit the address space")
    }
    return raw.bindMemory(to: Element.self, capacity: count)
  }

  /// A string field: null for the empty string, which protobuf-c leaves out.
  @inlinable
  public mutating func string(_ text: String) -> UnsafeMutablePointer<CChar>? {
    text.isEmpty ? nil : presentString(text)
  }

  /// A string that is there even when empty, as in a oneof or a repeated field: a copy that ends in a NUL.
  public mutating func presentString(_ text: String) -> UnsafeMutablePointer<CChar> {
    var text = text
    return text.withUTF8 { utf8 in
      let copy = array(of: CChar.self, count: utf8.count + 1)
      let bytes = UnsafeMutableRawBufferPointer(start: copy, count: utf8.count)
      bytes.copyMemory(from: UnsafeRawBufferPointer(utf8))
      copy[utf8.count] = 0
      if strlen(copy) != utf8.count { sawNUL = true }
      return copy
    }
  }

  /// A bytes field.
  public mutating func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    guard !bytes.isEmpty else { return ProtobufCBinaryData(len: 0, data: nil) }
    let copy = array(of: UInt8.self, count: bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    return ProtobufCBinaryData(len: bytes.count, data: copy)
  }

  /// A message field; null when there is none.
  @inlinable
  public mutating func message<Message: ProtobufMessage>(_ message: Message?) -> UnsafeMutablePointer<Message.CMessage>?
  {
    guard let message else { return nil }
    let c = array(of: Message.CMessage.self, count: 1)
    message.fill(c, in: &self)
    return c
  }

  /// A repeated string field; null when it is empty.
  @inlinable
  public mutating func strings(_ strings: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
    array(strings) { text, arena in arena.presentString(text) }
  }

  /// A repeated bytes field; null when it is empty.
  @inlinable
  public mutating func byteStrings(_ byteStrings: [[UInt8]]) -> UnsafeMutablePointer<ProtobufCBinaryData>? {
    array(byteStrings) { bytes, arena in arena.bytes(bytes) }
  }

  /// A repeated bool field; null when it is empty.
  @inlinable
  public mutating func booleans(_ booleans: [Bool]) -> UnsafeMutablePointer<protobuf_c_boolean>? {
    array(booleans) { boolean, _ in boolean ? 1 : 0 }
  }

  /// A repeated enum field; null when it is empty.
  @inlinable
  public mutating func enumerations<CEnum, Enum: ProtobufEnum>(
    _ enumerations: [Enum], as _: CEnum.Type = CEnum.self
  ) -> UnsafeMutablePointer<CEnum>? {
    // As Int32, which is how protobuf-c reads them too.
    let numbers = array(enumerations) { enumeration, _ in enumeration.rawValue }
    return UnsafeMutableRawPointer(numbers)?.assumingMemoryBound(to: CEnum.self)
  }

  /// A repeated field of elements that `write` turns to C; null when it is empty.
  @inlinable
  public mutating func array<Element, CElement>(
    _ elements: [Element], _ write: (Element, inout Arena) -> CElement
  ) -> UnsafeMutablePointer<CElement>? {
    guard !elements.isEmpty else { return nil }
    let target = array(of: CElement.self, count: elements.count)
    for (index, element) in elements.enumerated() {
      (target + index).initialize(to: write(element, &self))
    }
    return target
  }

  /// A repeated field of numbers; null when it is empty.
  @inlinable
  public mutating func numbers<Number>(_ numbers: [Number]) -> UnsafeMutablePointer<Number>? {
    guard !numbers.isEmpty else { return nil }
    let target = array(of: Number.self, count: numbers.count)
    target.initialize(from: numbers, count: numbers.count)
    return target
  }

  /// A repeated message field; null when it is empty.
  @inlinable
  public mutating func messages<Message: ProtobufMessage>(
    _ messages: [Message]
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message.CMessage>?>? {
    array(messages) { message, arena in arena.message(message) }
  }

  /// A map field: entries in any order; null when it is empty. `write` fills an entry that is uninitialized.
  @inlinable
  public mutating func map<Key, Value, CEntry>(
    _ map: [Key: Value], _ write: (UnsafeMutablePointer<CEntry>, Key, Value, inout Arena) -> Void
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<CEntry>?>? {
    guard !map.isEmpty else { return nil }
    let target = array(of: UnsafeMutablePointer<CEntry>?.self, count: map.count)
    for (index, (key, value)) in map.enumerated() {
      let entry = array(of: CEntry.self, count: 1)
      write(entry, key, value, &self)
      (target + index).initialize(to: entry)
    }
    return target
  }
}
