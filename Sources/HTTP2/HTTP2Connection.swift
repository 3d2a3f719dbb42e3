import CNghttp2

/// One HTTP/2 connection (RFC 9113) over nghttp2, without sockets or clocks: bytes in, events and bytes out.
/// Users subclass it to hear of what comes in. Confined to one thread.
///
/// After `receive` and after any submission, take the output with `nextOutput` until it is nil. The `received`
/// methods may submit frames, and must neither receive nor ask for output.
open class HTTP2Connection {
  /// Which end of the connection this is.
  public enum Role: Sendable {
    case server, client
  }

  private let handle: OpaquePointer
  private let pool: BlockPool
  // nghttp2 keeps the streams' addresses; this list keeps the streams, and finds those left over at the end, for
  // which nghttp2 does not call back. A stream in it is retained once by hand, since counting every change of its
  // links would cost more than the links.
  @exclusivity(unchecked) private final var firstStream: Unmanaged<HTTP2Stream>?
  // nghttp2 still has the addresses of abandoned streams, and would ask them for their bodies.
  @exclusivity(unchecked) private var isAbandoned = false
  let role: Role
  private let unsentFramesMax: Int
  // Of the header list that is coming in.
  @exclusivity(unchecked) private final var headerListBytes = 0
  // What this end takes, and the length from which on a stream is reset. A few bytes on the wire can name thousands of
  // long fields (RFC 7541 section 7.3).
  private let headerListBytesTaken: Int
  private let headerListBytesMax: Int
  @exclusivity(unchecked) final var repeatedFields: RepeatedFields
  /// Bytes of bodies that wait to be sent, over all streams.
  @exclusivity(unchecked) public internal(set) final var unsentBytes = 0
  /// HEADERS and DATA frames sent so far.
  @exclusivity(unchecked) public internal(set) final var contentFramesSent: UInt64 = 0

  /// A connection whose preface and SETTINGS are in the output.
  /// - Throws: `HTTP2Error` where memory runs out or a setting is out of range.
  public init(_ role: Role, settings: HTTP2Settings) throws {
    self.role = role
    // Headers, a piece of the body, trailers and a reset may wait for each stream.
    unsentFramesMax = settings.unsentAnswersMax + 4 * Int(settings.concurrentStreamsMax)
    headerListBytesTaken = Int(settings.headerListBytesMax)
    headerListBytesMax = Self.headerListExcessMax * headerListBytesTaken
    pool = BlockPool(keptBytesMax: settings.pooledBytesMax)
    repeatedFields = RepeatedFields(in: pool)
    handle = try makeHandle(role, settings, pool)
    nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
    try submitSettings(settings)
  }

  deinit {
    nghttp2_session_del(handle)
    while let stream = firstStream {
      firstStream = stream.takeUnretainedValue().next
      stream.release()
    }
  }

  // MARK: Bytes in and out

  /// Takes bytes from the peer.
  /// - Throws: `HTTP2Error` where the connection cannot go on; send the output that is left, then close.
  public final func receive(_ bytes: UnsafeRawBufferPointer) throws {
    guard let base = bytes.baseAddress, !isAbandoned else { return }
    if role == .server {
      var rest = bytes
      while let header = scanner.next(in: &rest) { begin(header) }
    }
    let taken = nghttp2_session_mem_recv(handle, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    if taken < 0 { throw HTTP2Error(Int32(taken)) }
    // nghttp2 itself bounds the acknowledgements alone; a client that does not read can have many streams reset, too.
    if role == .server, nghttp2_session_get_outbound_queue_size(handle) > unsentFramesMax {
      throw HTTP2Error(NGHTTP2_ERR_FLOODED.rawValue)
    }
  }

  /// The next bytes for the peer, valid until the next call; nil when there are none now.
  /// - Throws: `HTTP2Error` where the connection cannot go on.
  public final func nextOutput() throws -> UnsafeRawBufferPointer? {
    if isAbandoned { return nil }
    var start: UnsafePointer<UInt8>?
    let count = nghttp2_session_mem_send(handle, &start)
    if count < 0 { throw HTTP2Error(Int32(count)) }
    return count == 0 ? nil : UnsafeRawBufferPointer(start: start, count: count)
  }

  /// True once neither end has anything more to say: close the socket.
  public final var isFinished: Bool {
    nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
  }

  /// Ends every stream, for a connection that is lost. Calls `closed` on each. After it, input is ignored and there
  /// is no output.
  public final func abandonStreams() {
    isAbandoned = true
    while let stream = firstStream {
      nghttp2_session_set_stream_user_data(handle, stream._withUnsafeGuaranteedRef { $0.id }, nil)
      close(stream, .internalError)
    }
  }

  // MARK: What comes in

  /// A client's frame is about to come in, of whatever type, whether or not the rest of it will make sense.
  open func receivedFrameHeader(_ header: FrameHeader) {}

  /// A client's frame is about to come in for a stream that the client has ended (RFC 9113 section 5.1, "closed").
  /// nghttp2 passes it over.
  open func receivedFrameAfterEnd(on id: Int32) {}

  /// A request's header list begins. What came of the one before is void if `receivedRequest` was not called for it:
  /// it was malformed.
  open func receivedBeginningOfRequest() {}

  /// One header field of a request that `repeated` has not passed over. Those of one request come together, between
  /// `receivedBeginningOfRequest` and `receivedRequest`, up to the length that is taken. The bytes live as long as the
  /// call.
  // The repeated ones are handed over: a look at them from another module would be checked for exclusive access.
  open func receivedField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, _ repeated: inout RepeatedFields
  ) {}

  /// The header list of a request is complete, or longer than is taken. Nil refuses the stream with REFUSED_STREAM.
  open func receivedRequest(on id: Int32, isOverLong: Bool, _ repeated: inout RepeatedFields) -> HTTP2Stream? { nil }

  /// The peer said what it tolerates, and that is in force.
  open func receivedSettings() {}

  /// The peer opens no more streams, and answers none above `lastStream`.
  open func receivedGoAway(lastStream: Int32, _ code: HTTP2ErrorCode) {}

  /// A stream was reset by this end: for what the peer did, or with NO_ERROR for a request whose rest is not wanted.
  open func sentReset(_ code: HTTP2ErrorCode) {}

  /// A PING of ours came back.
  open func receivedPingAck(_ payload: UInt64) {}

  /// Streams that the peer lets this end have open at once.
  public final var peerConcurrentStreamsMax: Int {
    Int(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  /// Names and values of one header list plus 32 bytes a field, as the peer accepts them.
  public final var peerHeaderListBytesMax: Int {
    Int(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE))
  }

  // MARK: Flow control

  /// Lets the peer send `bytes` more on the connection.
  public final func consumeOnConnection(_ bytes: Int) { nghttp2_session_consume_connection(handle, bytes) }

  /// Lets the peer send `bytes` more on the stream.
  public final func consume(_ bytes: Int, on stream: HTTP2Stream) {
    if !stream.isClosed { nghttp2_session_consume_stream(handle, stream.id, bytes) }
  }

  // MARK: Streams

  /// Opens a stream with a request, as a client; its body is sent with `send` and `finish`.
  /// - Throws: `HTTP2Error` where no stream can be opened.
  public final func open(_ headers: HeaderBlock, _ makeStream: (Int32) -> HTTP2Stream) throws -> HTTP2Stream {
    let stream = makeStream(nghttp2_session_get_next_stream_id(handle).signed)
    var provider = bodyProvider(for: stream)
    let id = withExtendedLifetime(headers) {
      nghttp2_submit_request(
        handle, nil, headers.nameValues, headers.count, &provider, Unmanaged.passUnretained(stream).toOpaque())
    }
    if id < 0 { throw HTTP2Error(id) }
    stream.output = .open
    add(stream)
    return stream
  }

  /// Sends response headers; a body follows.
  public final func respond(_ headers: HeaderBlock, on stream: HTTP2Stream) {
    guard !stream.isClosed, case .idle = stream.output else { return }
    stream.output = .open
    var provider = bodyProvider(for: stream)
    // Only memory can run out here, which nghttp2 reports again, for the connection, on the next output.
    _ = withExtendedLifetime(headers) {
      nghttp2_submit_response(handle, stream.id, headers.nameValues, headers.count, &provider)
    }
  }

  /// Sends response headers that are all there is.
  public final func respondOnly(_ headers: HeaderBlock, on stream: HTTP2Stream) {
    guard !stream.isClosed, case .idle = stream.output else { return }
    stream.output = .ended
    _ = withExtendedLifetime(headers) {
      nghttp2_submit_response(handle, stream.id, headers.nameValues, headers.count, nil)
    }
  }

  /// Queues a piece of the body. `owner` is kept, and `bytes` must be valid, until they are sent.
  public final func send(
    _ bytes: UnsafeRawBufferPointer, ownedBy owner: consuming AnyObject, on stream: HTTP2Stream
  ) {
    guard !stream.isClosed, case .open = stream.output else { return }
    stream.body.append(OutgoingBody.Piece(owner: owner, bytes: bytes))
    unsentBytes += bytes.count
    resume(stream)
  }

  /// Ends the body, after what is queued, with trailers if there are any.
  public final func finish(_ stream: HTTP2Stream, trailers: HeaderBlock?) {
    guard !stream.isClosed, case .open = stream.output else { return }
    stream.output = .ending(trailers: trailers)
    resume(stream)
  }

  /// Ends the stream at once, dropping what is queued.
  public final func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    guard !stream.isClosed else { return }
    unsentBytes -= stream.dropBody()
    _ = nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
  }

  private func resume(_ stream: HTTP2Stream) {
    guard stream.isDeferred else { return }
    stream.isDeferred = false
    nghttp2_session_resume_data(handle, stream.id)
  }

  // MARK: The connection's own frames

  /// Announces that the connection will be closed: the first of the two GOAWAYs of RFC 9113 section 6.8, which
  /// still lets streams in that are on their way.
  public final func submitShutdownNotice() { nghttp2_submit_shutdown_notice(handle) }

  /// Refuses streams from now on; those that are open go on. `reason` goes along as debug data.
  public final func submitGoAway(_ code: HTTP2ErrorCode, reason: StaticString = "") {
    nghttp2_submit_goaway(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(handle), code.rawValue,
      reason.utf8Start, reason.utf8CodeUnitCount)
  }

  /// Ends the connection with a GOAWAY once the output is sent.
  public final func terminate(_ code: HTTP2ErrorCode) { nghttp2_session_terminate_session(handle, code.rawValue) }

  /// Asks the peer for a sign of life.
  public final func submitPing(_ payload: UInt64) {
    withUnsafeBytes(of: payload) { bytes in
      _ = nghttp2_submit_ping(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
  }

  private func submitSettings(_ settings: HTTP2Settings) throws {
    var entries = [
      nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.concurrentStreamsMax),
      nghttp2_settings_entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(clamping: settings.streamWindowBytes)),
      nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, settings.frameBytesMax),
      nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.headerListBytesMax),
    ]
    if role == .client { entries.append(nghttp2_settings_entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0)) }
    let none = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    let code = nghttp2_submit_settings(handle, none, entries, entries.count)
    if code != 0 { throw HTTP2Error(code) }
    let window = nghttp2_session_set_local_window_size(handle, none, 0, settings.connectionWindowBytes)
    if window != 0 { throw HTTP2Error(window) }
  }

  // MARK: Header lists

  private static let headerListExcessMax = 8

  final func beginHeaderList() { headerListBytes = 0 }

  /// Counts a field; false once the list is so long that no more of it is wanted.
  @inline(__always)
  final func countField(_ bytes: Int) -> Bool {
    headerListBytes &+= bytes &+ 32
    return headerListBytes <= headerListBytesMax
  }

  /// Hands over a field of a request that was not passed over, and was counted.
  @inline(__always)
  final func deliver(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    if headerListBytes <= headerListBytesTaken { receivedField(name: name, value: value, &repeatedFields) }
  }

  /// Hands over the request whose header list is complete.
  @inline(__always)
  final func deliverRequest(on id: Int32) -> HTTP2Stream? {
    receivedRequest(on: id, isOverLong: headerListBytes > headerListBytesTaken, &repeatedFields)
  }

  // MARK: The streams

  // The streams that the peer ended last, in a ring.
  @exclusivity(unchecked) private final var endedStreams = EndedStreams()

  @exclusivity(unchecked) private final var scanner = FrameScanner()

  /// Whether what a client sent so far ends where a frame does.
  public final var isBetweenFrames: Bool { scanner.isBetweenFrames }

  private func begin(_ header: FrameHeader) {
    receivedFrameHeader(header)
    if header.type == .data || header.type == .headers, endedStreams.contains(header.stream) {
      receivedFrameAfterEnd(on: header.stream)
    }
  }

  /// True while at least one stream is open.
  public final var hasStreams: Bool { firstStream != nil }

  /// Calls `body` with each stream, which it may end.
  public final func forEachStream(_ body: (HTTP2Stream) -> Void) {
    var stream = firstStream
    while let current = stream?.takeUnretainedValue() {
      stream = current.next
      body(current)
    }
  }

  final func adopt(_ stream: consuming HTTP2Stream) -> Unmanaged<HTTP2Stream> {
    nghttp2_session_set_stream_user_data(handle, stream.id, Unmanaged.passUnretained(stream).toOpaque())
    return add(stream)
  }

  // Takes over the caller's reference.
  @discardableResult
  private func add(_ stream: consuming HTTP2Stream) -> Unmanaged<HTTP2Stream> {
    stream.next = firstStream
    let added = Unmanaged.passRetained(consume stream)
    firstStream?._withUnsafeGuaranteedRef { $0.previous = added }
    firstStream = added
    return added
  }

  final func close(_ closing: Unmanaged<HTTP2Stream>, _ code: HTTP2ErrorCode) {
    // The reference that the list had.
    let stream = closing.takeRetainedValue()
    stream.isClosed = true
    if stream.hasPeerEnded { endedStreams.insert(stream.id) }
    let (previous, next) = (stream.previous, stream.next)
    next?._withUnsafeGuaranteedRef { $0.previous = previous }
    if let previous { previous._withUnsafeGuaranteedRef { $0.next = next } } else { firstStream = next }
    stream.next = nil
    stream.previous = nil
    unsentBytes -= stream.dropBody()
    stream.closed(code)
  }
}

extension HTTP2Error {
  init(_ code: Int32) {
    self.code = code
    description = String(cString: nghttp2_strerror(code))
  }
}

extension nghttp2_settings_entry {
  fileprivate init(_ id: nghttp2_settings_id, _ value: UInt32) {
    self.init(settings_id: Int32(bitPattern: id.rawValue), value: value)
  }
}

extension UInt32 {
  // Stream identifiers have 31 bits.
  fileprivate var signed: Int32 { Int32(truncatingIfNeeded: self) }
}
