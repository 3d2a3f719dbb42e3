import RPCCore
import SessionAPI
import SessionDomain

/// Messages on the wire, field by field (https://protobuf.dev/programming-guides/encoding/): their payloads were encoded
/// once, as they came in, and go out as the same bytes. Fields are numbered as in message_service.proto.
enum MessageWire {
  /// The field of a payload, as `SessionDomain.Message.payload` keeps it.
  static func payloadField(_ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(payload.count + 6)
    bytes.append(field: 6, payload)
    return bytes
  }

  static func delivery(_ delivery: Delivery) -> EncodedMessage<ReceiveMessagesResponse> {
    let message = message(delivery.message)
    var end: [UInt8] = []
    end.append(field: 2, delivery.ackDeadline)
    return framed([[UInt8](headOfField: 1, bytesCount: message.count), message, end])
  }

  static func sent(_ messages: [SessionDomain.Message]) -> EncodedMessage<SendMessageResponse> {
    framed(
      messages.flatMap { sent in
        let message = message(sent)
        return [[UInt8](headOfField: 1, bytesCount: message.count), message]
      })
  }

  static func page(_ page: DeadLetterPage) -> EncodedMessage<ListDeadLettersResponse> {
    var bytes: [UInt8] = []
    for letter in page.deadLetters {
      var fields: [UInt8] = []
      fields.append(field: 1, message(letter.message))
      fields.append(field: 2, letter.reason)
      fields.append(field: 3, letter.time)
      bytes.append(field: 1, fields)
    }
    bytes.append(field: 2, page.nextPageToken)
    return framed([bytes])
  }

  private static func message(_ message: SessionDomain.Message) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(message.payload.count + 224)
    message.id.withUTF8 { bytes.append(field: 1, $0) }
    bytes.append(field: 2, message.type)
    bytes.append(field: 3, Int64(message.priority.rawValue))
    message.senderID?.withUTF8 { bytes.append(field: 4, $0) }
    message.receiverID.withUTF8 { bytes.append(field: 5, $0) }
    bytes += message.payload
    bytes.append(field: 7, message.correlationID)
    bytes.append(field: 8, message.sendTime)
    bytes.append(field: 9, message.expireTime)
    bytes.append(field: 10, Int64(message.deliveryAttempt))
    return bytes
  }

  private static func framed<Message>(_ parts: [[UInt8]]) -> EncodedMessage<Message> {
    EncodedMessage(
      FramedMessage(payloadBytes: parts.reduce(0) { $0 + $1.count }) { target in
        var target = target
        for part in parts {
          part.withUnsafeBytes { source in
            if let base = source.baseAddress { target.copyMemory(from: base, byteCount: source.count) }
          }
          target += part.count
        }
      })
  }
}

extension [UInt8] {
  private static let lengthDelimited: UInt64 = 2

  /// What goes before the bytes of a field.
  fileprivate init(headOfField number: UInt64, bytesCount: Int) {
    self = []
    append(varint: number << 3 | Self.lengthDelimited)
    append(varint: UInt64(bytesCount))
  }

  fileprivate mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  fileprivate mutating func append(field number: UInt64, _ value: Int64) {
    guard value != 0 else { return }
    append(varint: number << 3)
    append(varint: UInt64(bitPattern: value))
  }

  fileprivate mutating func append(field number: UInt64, _ bytes: [UInt8]) {
    append(varint: number << 3 | Self.lengthDelimited)
    append(varint: UInt64(bytes.count))
    self += bytes
  }

  fileprivate mutating func append(field number: UInt64, _ bytes: UnsafeBufferPointer<UInt8>) {
    append(varint: number << 3 | Self.lengthDelimited)
    append(varint: UInt64(bytes.count))
    append(contentsOf: bytes)
  }

  fileprivate mutating func append(field number: UInt64, _ text: String) {
    guard !text.isEmpty else { return }
    append(varint: number << 3 | Self.lengthDelimited)
    append(varint: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }

  /// A `google.protobuf.Timestamp`: seconds, and nanoseconds that count forward from the second, before 1970 too.
  fileprivate mutating func append(field number: UInt64, _ time: SessionDomain.Timestamp) {
    append(varint: number << 3 | Self.lengthDelimited)
    // Two numbers, of at most eleven bytes each.
    let place = count
    append(0)
    let (seconds, microseconds) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    append(field: 1, microseconds < 0 ? seconds - 1 : seconds)
    append(field: 2, (microseconds < 0 ? microseconds + 1_000_000 : microseconds) * 1000)
    self[place] = UInt8(count - place - 1)
  }
}
