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
    var bytes: [UInt8] = []
    bytes.reserveCapacity(delivery.message.payload.count + 256)
    bytes.append(field: 1, message(delivery.message))
    bytes.append(field: 2, delivery.ackDeadline)
    return framed(bytes)
  }

  static func sent(_ messages: [SessionDomain.Message]) -> EncodedMessage<SendMessageResponse> {
    var bytes: [UInt8] = []
    for sent in messages { bytes.append(field: 1, message(sent)) }
    return framed(bytes)
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
    return framed(bytes)
  }

  private static func message(_ message: SessionDomain.Message) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(message.payload.count + 224)
    bytes.append(field: 1, message.id.description)
    bytes.append(field: 2, message.type)
    bytes.append(field: 3, Int64(message.priority.rawValue))
    if let senderID = message.senderID { bytes.append(field: 4, senderID.description) }
    bytes.append(field: 5, message.receiverID.description)
    bytes += message.payload
    bytes.append(field: 7, message.correlationID)
    bytes.append(field: 8, message.sendTime)
    bytes.append(field: 9, message.expireTime)
    bytes.append(field: 10, Int64(message.deliveryAttempt))
    return bytes
  }

  private static func framed<Message>(_ bytes: [UInt8]) -> EncodedMessage<Message> {
    EncodedMessage(
      FramedMessage(payloadBytes: bytes.count) { target in
        bytes.withUnsafeBytes { source in
          if let base = source.baseAddress { target.copyMemory(from: base, byteCount: source.count) }
        }
      })
  }
}

extension [UInt8] {
  private static let lengthDelimited: UInt64 = 2

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

  fileprivate mutating func append(field number: UInt64, _ text: String) {
    guard !text.isEmpty else { return }
    append(varint: number << 3 | Self.lengthDelimited)
    append(varint: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }

  /// A `google.protobuf.Timestamp`: seconds, and nanoseconds that count forward from the second, before 1970 too.
  fileprivate mutating func append(field number: UInt64, _ time: SessionDomain.Timestamp) {
    var fields: [UInt8] = []
    let (seconds, microseconds) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    fields.append(field: 1, microseconds < 0 ? seconds - 1 : seconds)
    fields.append(field: 2, (microseconds < 0 ? microseconds + 1_000_000 : microseconds) * 1000)
    append(field: number, fields)
  }
}
