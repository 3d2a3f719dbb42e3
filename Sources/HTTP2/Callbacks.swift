// nghttp2's callbacks: global closures without captures, which find the connection by the session's user data
// and the stream by the stream's. They return to nghttp2 and never call its recv or send.

import CNghttp2

func makeHandle(
  _ role: HTTP2Connection.Role, _ settings: HTTP2Settings, _ pool: BlockPool
) throws -> OpaquePointer {
  var options: OpaquePointer?
  guard nghttp2_option_new(&options) == 0, let options else { throw HTTP2Error(NGHTTP2_ERR_NOMEM.rawValue) }
  defer { nghttp2_option_del(options) }
  nghttp2_option_set_no_auto_window_update(options, 1)
  nghttp2_option_set_no_closed_streams(options, 1)
  nghttp2_option_set_max_outbound_ack(options, settings.unsentAnswersMax)
  nghttp2_option_set_max_settings(options, settings.settingsEntriesMax)
  // The message of a status may end with a space, and some servers send it as it is.
  if role == .client { nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(options, 1) }
  nghttp2_option_set_stream_reset_rate_limit(options, settings.resetsBurst, settings.resetsPerSecond)

  var handle: OpaquePointer?
  // nghttp2 copies the table of functions.
  var memory = pool.functions
  let code =
    switch role {
    case .server: nghttp2_session_server_new3(&handle, callbacks.pointer, nil, options, &memory)
    case .client: nghttp2_session_client_new3(&handle, callbacks.pointer, nil, options, &memory)
    }
  guard code == 0, let handle else { throw HTTP2Error(code) }
  return handle
}

// Built once, then only read; nghttp2 copies it into each session.
private struct Callbacks: @unchecked Sendable {
  let pointer: OpaquePointer?

  init() {
    var made: OpaquePointer?
    // On failure the pointer is null and no session can be made.
    guard nghttp2_session_callbacks_new(&made) == 0, let made else {
      pointer = nil
      return
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, onBeginHeaders)
    nghttp2_session_callbacks_set_on_header_callback2(made, onHeader)
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, onInvalidHeader)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, onDataChunk)
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, onFrame)
    nghttp2_session_callbacks_set_on_frame_send_callback(made, onFrameSent)
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, onFrameNotSent)
    nghttp2_session_callbacks_set_on_stream_close_callback(made, onStreamClose)
    pointer = made
  }
}

private let callbacks = Callbacks()

// The references are borrowed from nghttp2's session, which does not outlive the connection that made it; nor do
// the streams' addresses outlive the streams. Retaining them on each of a call's dozen callbacks would cost more
// than what the callbacks do.

@inline(__always)
private func withConnection<Result>(
  _ userData: UnsafeMutableRawPointer?, otherwise: Result, _ body: (HTTP2Connection) -> Result
) -> Result {
  guard let userData else { return otherwise }
  return Unmanaged<HTTP2Connection>.fromOpaque(userData)._withUnsafeGuaranteedRef(body)
}

@inline(__always)
private func withStream(_ session: OpaquePointer?, _ id: Int32, _ body: (HTTP2Stream) -> Void) -> Bool {
  guard let opaque = nghttp2_session_get_stream_user_data(session, id) else { return false }
  Unmanaged<HTTP2Stream>.fromOpaque(opaque)._withUnsafeGuaranteedRef(body)
  return true
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, frame, userData in
  withConnection(userData, otherwise: ()) { connection in
    connection.beginHeaderList()
    if frame?.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
      connection.repeatedFields.begin()
      connection.receivedBeginningOfRequest()
    }
  }
  return 0
}

private let onHeader: nghttp2_on_header_callback2 = { session, frame, name, value, _, userData in
  guard let frame, let name, let value else { return 0 }
  let isRequest = frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
  let isWelcome = withConnection(userData, otherwise: false) { connection in
    if isRequest, let bytes = connection.repeatedFields.take(name, value) { return connection.countField(bytes) }
    let (nameBytes, valueBytes) = (nghttp2_rcbuf_get_buf(name), nghttp2_rcbuf_get_buf(value))
    let count = nameBytes.len &+ valueBytes.len
    guard connection.countField(count) else { return false }
    let (fieldName, fieldValue) = (UnsafeRawBufferPointer(nameBytes), UnsafeRawBufferPointer(valueBytes))
    if isRequest {
      connection.repeatedFields.note(name, value, bytes: count)
      connection.deliver(fieldName, fieldValue)
    } else {
      _ = withStream(session, frame.pointee.hd.stream_id) { $0.receivedField(name: fieldName, value: fieldValue) }
    }
    return true
  }
  return isWelcome ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
}

extension UnsafeRawBufferPointer {
  fileprivate init(_ bytes: nghttp2_vec) { self.init(start: bytes.base, count: bytes.len) }
}

// A field that no sender may send makes its message malformed (RFC 9113 section 8.2.1); nghttp2 alone would leave the
// field out.
private let onInvalidHeader: nghttp2_on_invalid_header_callback = { _, _, _, _, _, _, _, _ in
  NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
}

private let onDataChunk: nghttp2_on_data_chunk_recv_callback = { session, _, id, data, count, userData in
  let bytes = UnsafeRawBufferPointer(start: data, count: count)
  if !withStream(session, id, { $0.receivedData(bytes) }) {
    // Nobody will take them; the connection's window must not shrink for good.
    withConnection(userData, otherwise: ()) { $0.consumeOnConnection(count) }
  }
  return 0
}

private let onFrame: nghttp2_on_frame_recv_callback = { session, frame, userData in
  guard let frame else { return 0 }
  let header = frame.pointee.hd
  let isEnd = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
  switch UInt32(header.type) {
  case NGHTTP2_HEADERS.rawValue:
    if frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
      let isTaken = withConnection(userData, otherwise: false) { connection in
        guard let stream = connection.deliverRequest(on: header.stream_id) else { return false }
        connection.adopt(stream)._withUnsafeGuaranteedRef { $0.opened() }
        return true
      }
      if !isTaken { refuse(session, header.stream_id) }
    } else {
      _ = withStream(session, header.stream_id) { $0.receivedFields(isEnd: isEnd) }
    }
    if isEnd { endOfStream(session, header.stream_id) }
  case NGHTTP2_DATA.rawValue:
    if isEnd { endOfStream(session, header.stream_id) }
  case NGHTTP2_RST_STREAM.rawValue: _ = withStream(session, header.stream_id) { $0.hasPeerEnded = true }
  case NGHTTP2_SETTINGS.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0:
    withConnection(userData, otherwise: ()) { $0.receivedSettings() }
  case NGHTTP2_GOAWAY.rawValue:
    let goaway = frame.pointee.goaway
    withConnection(userData, otherwise: ()) {
      $0.receivedGoAway(lastStream: goaway.last_stream_id, HTTP2ErrorCode(rawValue: goaway.error_code))
    }
  case NGHTTP2_PING.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0:
    let payload = withUnsafeBytes(of: frame.pointee.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
    withConnection(userData, otherwise: ()) { $0.receivedPingAck(payload) }
  default: break
  }
  return 0
}

private func endOfStream(_ session: OpaquePointer?, _ id: Int32) {
  _ = withStream(session, id) { stream in
    stream.hasPeerEnded = true
    stream.receivedEnd()
  }
}

private func refuse(_ session: OpaquePointer?, _ id: Int32) {
  nghttp2_submit_rst_stream(
    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, HTTP2ErrorCode.refusedStream.rawValue)
}

// A server may answer before it has the whole request. The rest is then not wanted, which RFC 9113 section 8.1
// says with RST_STREAM and NO_ERROR after the answer.
private let onFrameSent: nghttp2_on_frame_send_callback = { session, frame, userData in
  guard let frame else { return 0 }
  let header = frame.pointee.hd
  switch UInt32(header.type) {
  case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue: break
  case NGHTTP2_RST_STREAM.rawValue:
    let code = HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code)
    withConnection(userData, otherwise: ()) { $0.sentReset(code) }
    return 0
  default: return 0
  }
  withConnection(userData, otherwise: ()) { $0.contentFramesSent &+= 1 }
  guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
    withConnection(userData, otherwise: false, { $0.role == .server }),
    nghttp2_session_get_stream_remote_close(session, header.stream_id) == 0
  else { return 0 }
  nghttp2_submit_rst_stream(
    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), header.stream_id, HTTP2ErrorCode.noError.rawValue)
  return 0
}

// Headers that nghttp2 cannot send, such as a list over 64 KiB, would leave their stream open for ever. A request's
// stream is closed by nghttp2 itself: the peer never heard of it, and a reset of it would end the connection.
private let onFrameNotSent: nghttp2_on_frame_not_send_callback = { session, frame, _, _ in
  guard let frame = frame?.pointee, frame.hd.type == UInt8(NGHTTP2_HEADERS.rawValue), frame.hd.stream_id > 0,
    frame.headers.cat != NGHTTP2_HCAT_REQUEST,
    // The peer may have reset the stream before its answer was sent, which then needs no reset of ours.
    nghttp2_session_get_stream_user_data(session, frame.hd.stream_id) != nil
  else { return 0 }
  nghttp2_submit_rst_stream(
    session, UInt8(NGHTTP2_FLAG_NONE.rawValue), frame.hd.stream_id, HTTP2ErrorCode.internalError.rawValue)
  return 0
}

private let onStreamClose: nghttp2_on_stream_close_callback = { session, id, code, userData in
  // After this, nghttp2 knows neither the stream nor its address.
  guard let opaque = nghttp2_session_get_stream_user_data(session, id) else { return 0 }
  withConnection(userData, otherwise: ()) { connection in
    connection.close(Unmanaged.fromOpaque(opaque), HTTP2ErrorCode(rawValue: code))
  }
  return 0
}

/// The body of `stream` for nghttp2, which asks for it frame by frame.
func bodyProvider(for stream: HTTP2Stream) -> nghttp2_data_provider {
  nghttp2_data_provider(
    source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()), read_callback: readBody)
}

private let readBody: nghttp2_data_source_read_callback = { session, id, target, count, flags, source, userData in
  guard let opaque = source?.pointee.ptr, let flags else { return 0 }
  return Unmanaged<HTTP2Stream>.fromOpaque(opaque)._withUnsafeGuaranteedRef { stream in
    let taken = stream.body.take(UnsafeMutableRawBufferPointer(start: target, count: count))
    if stream.body.isEmpty {
      switch stream.output {
      case .ending(let trailers):
        stream.output = .ended
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        if let trailers {
          flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
          // Failure is lack of memory, which nghttp2 reports again on the next output.
          _ = withExtendedLifetime(trailers) {
            nghttp2_submit_trailer(session, id, trailers.nameValues, trailers.count)
          }
        }
      case .ended:
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      case .idle, .open:
        if taken == 0 {
          stream.isDeferred = true
          return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
      }
    }
    if taken > 0 { withConnection(userData, otherwise: ()) { $0.unsentBytes -= taken } }
    return taken
  }
}
