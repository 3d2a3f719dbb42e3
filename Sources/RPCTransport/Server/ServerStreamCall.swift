import RPCCore

// What handlers call, from whatever thread they are on.
extension ServerStream: ServerCall {
  func send(_ metadata: Metadata) {
    connection.executor.perform { [self] in
      guard phase == .running, !response.isSent else { return }
      response.add(metadata)
      // Messages may go uncompressed after headers that name an encoding, but not compressed after others.
      respond(.always)
    }
  }

  func addTrailers(_ metadata: Metadata) {
    connection.executor.perform { self.response.addTrailers(metadata) }
  }

  func enqueue(_ frame: FramedMessage, _ compression: CompressionChoice) throws -> Bool {
    guard connection.executor.isCurrent else {
      connection.executor.perform { self.write(frame, compression) }
      // Off the loop the room is not known: `waitForRoom` asks.
      return false
    }
    guard phase == .running else { throw over }
    write(frame, compression)
    return connection.hasRoom(for: self)
  }

  // What one piece has at most, unless one message alone has more: so far may the room be exceeded.
  private static let pieceBytesMax = 16 << 10

  func enqueue(_ frames: FramedMessages, _ rest: inout Range<Int>, _ compression: CompressionChoice) throws -> Bool {
    var hasRoom = true
    while hasRoom, !rest.isEmpty {
      guard connection.executor.isCurrent, phase == .running, response.isSent,
        !response.coding.compresses(compression)
      else {
        hasRoom = try enqueue(frames[rest.removeFirst()], compression)
        continue
      }
      let piece = frames.prefix(of: rest, bytesMax: Self.pieceBytesMax)
      rest = piece.upperBound..<rest.upperBound
      interceptors.sent(piece.count, context)
      connection.send(frames.bytes(of: piece), ownedBy: frames.owner, on: self)
      connection.hasOutput()
      hasRoom = connection.hasRoom(for: self)
    }
    return hasRoom
  }

  func write(_ frame: consuming FramedMessage, _ compression: CompressionChoice) {
    guard phase == .running else { return }
    if !response.isSent { respond(compression) }
    if response.coding.compresses(compression) { frame = frame.compressed(response.coding.encoding) }
    interceptors.sent(1, context)
    let bytes = frame.bytes
    connection.send(bytes, ownedBy: frame.takeOwner(), on: self)
    connection.hasOutput()
  }

  private func respond(_ compression: CompressionChoice) {
    connection.respond(response.begin(compression), on: self)
    connection.hasOutput()
  }

  func waitForRoom() async throws {
    if connection.executor.isCurrent, phase == .running, connection.hasRoom(for: self) { return }
    try await StreamWaiter<Void>().wait(on: connection.executor) { [self] waiter in
      guard phase == .running else { return waiter.resume(with: .failure(over)) }
      if connection.hasRoom(for: self) { return waiter.resume(with: .success(())) }
      waiter.take(&writer)
      if waiter.isWaiting { connection.tellOfRoom(self) }
    }
  }

  func nextRequest() async throws -> FramedMessage? {
    if connection.executor.isCurrent, phase == .running, let next = requests.takeFirst() {
      tookRequest()
      return next
    }
    return try await StreamWaiter<FramedMessage?>().wait(on: connection.executor) { [self] reader in
      guard phase == .running else { return reader.resume(with: .failure(over)) }
      requests.take(reader)
      tookRequest()
    }
  }

  private func tookRequest() {
    returnWindow()
    // What was taken is no longer held here, so that this only gives back.
    try? settleMemory()
  }

  private var over: RPCError {
    if let deadline = context.deadline, deadline <= connection.executor.clock() { return .deadlineExceeded }
    return .cancelled
  }
}

extension ServerStream: RoomWaiter {
  func offerRoom() -> Bool {
    guard let waiter = writer, waiter.isWaiting else { return true }
    guard connection.hasRoom(for: self) || isClosed else { return false }
    writer = nil
    waiter.resume(with: .success(()))
    return true
  }
}
