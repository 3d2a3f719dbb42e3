import RPCTransport

extension ConnectionLimits {
  /// Reads how long connections may take for what; 0 is for ever.
  init(_ reader: inout SettingReader) throws {
    self.init()
    let day = 86_400_000
    func limit(_ name: String, _ help: String, _ value: inout Duration?) throws {
      var milliseconds = value ?? .zero
      try reader.milliseconds(name, 0...365 * day, help + " 0: for ever.", &milliseconds)
      value = milliseconds == .zero ? nil : milliseconds
    }
    try limit("firstRequestTimeout", "From a connection to its first request, TLS included.", &firstRequest)
    try limit("headerTimeout", "For one request's headers, first byte to last.", &header)
    try limit("bodyTimeout", "For one request message, first byte to last.", &body)
    try limit("idleTimeout", "Without a call, until a connection is closed.", &idle)
    try limit("maxConnectionAge", "Until a connection drains, give or take a tenth.", &ageMax)
    try limit("maxConnectionAgeGrace", "How long calls may go on after that.", &ageGrace)
    try limit("keepaliveTime", "Without a byte from a client, until it is sent a PING.", &keepaliveTime)
    try reader.milliseconds(
      "keepaliveTimeout", 1...day, "How long a client may take to answer it.", &keepaliveTimeout)
    try reader.milliseconds(
      "keepaliveMinimumTime", 0...day, "The least time between a client's PINGs.", &keepaliveMinimumTime)
    keepaliveWithoutCalls = try reader.read(
      .flag("keepaliveWithoutCalls", default: keepaliveWithoutCalls, "Whether clients without calls may send PINGs."))
    try limit("unreadOutputTimeout", "How long a client may leave what is sent unread.", &unreadOutput)
    try reader.count(
      "controlFramesBurst", 10...1_000_000, "PING, SETTINGS and the like that may come at once.",
      &controlFramesBurst)
    try reader.count("controlFramesPerSecond", 1...1_000_000, "And so many more each second.", &controlFramesPerSecond)
  }
}
