import HTTP2

/// What a connection or one of its streams heard, in order.
enum Event: Equatable {
  case field(Int32, String, String)
  case request(Int32)
  case fields(Int32)
  case data(Int32, [UInt8])
  case end(Int32)
  case closed(Int32, HTTP2ErrorCode)
  case goAway(last: Int32, HTTP2ErrorCode)
  case pingAck(UInt64)
}

/// A connection that writes down what it hears. A client's streams are 1, 3, 5 and so on.
final class RecordingConnection: HTTP2Connection {
  private(set) var events: [Event] = []
  private(set) var streams: [Int32: RecordingStream] = [:]
  /// Refuses every request.
  var isClosedForRequests = false
  /// Gives the peer its windows back as bytes come.
  var consumesAtOnce = true
  /// What a server does with each request once the stream can be answered.
  var onRequest: (RecordingConnection, RecordingStream) -> Void = { _, _ in }
  /// The codes of the resets that went out.
  private(set) var sentResets: [HTTP2ErrorCode] = []
  /// Keeps the fields of each request, to have them passed over in the next.
  var keepsFields = false
  /// How many fields were not passed over.
  private(set) var fieldCount = 0
  /// The requests whose header lists were over the limit.
  private(set) var overLong: [Int32] = []
  private var requestFields: [(String, String)] = []
  private var keptFields: [(String, String)] = []

  func note(_ event: Event) {
    // How the bytes were cut does not matter.
    if case .data(let id, let bytes) = event, case .data(id, let before) = events.last {
      events[events.count - 1] = .data(id, before + bytes)
    } else {
      events.append(event)
    }
  }

  func open(_ headers: HeaderBlock) throws -> RecordingStream {
    let stream = try open(headers) { RecordingStream(id: $0, in: self) }
    guard let recording = stream as? RecordingStream else { throw HTTP2TestError.unexpectedStream }
    streams[recording.id] = recording
    return recording
  }

  override func receivedBeginningOfRequest() { requestFields = [] }

  override func receivedField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {
    takeRepeated(repeated)
    let field = (String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
    requestFields.append(field)
    fieldCount += 1
    guard keepsFields else { return }
    if repeated.isRepetition, repeated.count < keptFields.count, keptFields[repeated.count] == field {
      repeated.pass()
    } else {
      repeated.add()
    }
  }

  private func takeRepeated(_ repeated: borrowing RepeatedFields) {
    if keepsFields, repeated.isRepetition { requestFields = Array(keptFields.prefix(repeated.count)) }
  }

  override func sentReset(_ code: HTTP2ErrorCode) { sentResets.append(code) }

  override func receivedRequest(
    on id: Int32, isOverLong: Bool, _ repeated: inout RepeatedFields
  ) -> HTTP2Stream? {
    takeRepeated(repeated)
    if isOverLong { overLong.append(id) }
    if keepsFields {
      keptFields = requestFields
      repeated.keep()
    }
    for (name, value) in requestFields { note(.field(id, name, value)) }
    requestFields = []
    note(.request(id))
    guard !isClosedForRequests else { return nil }
    let stream = RecordingStream(id: id, in: self)
    streams[id] = stream
    return stream
  }

  override func receivedGoAway(lastStream: Int32, _ code: HTTP2ErrorCode) {
    note(.goAway(last: lastStream, code))
  }

  override func receivedPingAck(_ payload: UInt64) { note(.pingAck(payload)) }

  /// Everything that waits to be sent.
  func output() throws -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try nextOutput() { bytes += piece }
    return bytes
  }

  func receive(_ bytes: some Collection<UInt8>) throws {
    try Array(bytes).withUnsafeBytes { try receive($0) }
  }
}

enum HTTP2TestError: Error {
  case unexpectedStream
}

final class RecordingStream: HTTP2Stream {
  private unowned let connection: RecordingConnection

  init(id: Int32, in connection: RecordingConnection) {
    self.connection = connection
    super.init(id: id)
  }

  func send(_ bytes: [UInt8]) {
    let body = Body(bytes)
    connection.send(body.bytes, ownedBy: body, on: self)
  }

  override func opened() { connection.onRequest(connection, self) }

  override func receivedField(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    connection.note(.field(id, String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
  }

  override func receivedFields(isEnd: Bool) { connection.note(.fields(id)) }

  override func receivedData(_ bytes: UnsafeRawBufferPointer) {
    connection.note(.data(id, Array(bytes)))
    guard connection.consumesAtOnce else { return }
    connection.consumeOnConnection(bytes.count)
    connection.consume(bytes.count, on: self)
  }

  override func receivedEnd() { connection.note(.end(id)) }

  override func closed(_ code: HTTP2ErrorCode) { connection.note(.closed(id, code)) }
}

/// Bytes that stay where they are.
final class Body {
  let bytes: UnsafeRawBufferPointer
  init(_ bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    self.bytes = UnsafeRawBufferPointer(copy)
  }
  deinit { bytes.deallocate() }
}

extension Array where Element == Event {
  /// The events of one stream.
  func of(_ id: Int32) -> [Event] {
    filter { event in
      switch event {
      case .field(id, _, _), .request(id), .fields(id), .data(id, _), .end(id), .closed(id, _): true
      case .field, .request, .fields, .data, .end, .closed, .goAway, .pingAck: false
      }
    }
  }

  /// The bytes of one stream's body.
  func body(of id: Int32) -> [UInt8] {
    flatMap { event -> [UInt8] in if case .data(id, let bytes) = event { bytes } else { [] } }
  }
}
