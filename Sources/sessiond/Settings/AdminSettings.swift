import AdminPort

/// Where an operator's programs find metrics and health, if anywhere.
struct AdminSettings: Sendable {
  /// Nil for nowhere.
  let listen: ListenAddress?
  let port: AdminConfiguration

  init(_ reader: inout SettingReader) throws {
    listen = try reader.read(
      Setting(
        "adminListen", default: "", "HOST:PORT, the port from 0 to 65535, or nothing for no admin port",
        "Where /metrics, /healthz and /readyz are, by HTTP."
      ) { text in text.isEmpty ? .some(nil) : ListenAddress(text).map { .some($0) } })
    var port = AdminConfiguration()
    try reader.count("adminMaxConnections", 1...10_000, "Connections to there at once.", &port.connectionsMax)
    try reader.count("adminMaxHeaderBytes", 256...(1 << 20), "Bytes of one request there.", &port.headBytesMax)
    try reader.milliseconds(
      "adminTimeout", 10...3_600_000, "From a connection to there to the end of the answer.", &port.timeout)
    self.port = port
  }
}
