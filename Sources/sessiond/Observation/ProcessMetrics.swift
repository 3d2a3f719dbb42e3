import AdminPort
import Glibc
import SessionStore

/// What the system says about the process (proc(5)); what it does not say is nil.
struct ProcessFigures: Sendable {
  var processorSeconds: Double?
  var residentBytes: Double?
  var virtualBytes: Double?
  var threads: Double?
  /// Since 1970.
  var startSeconds: Double?
  var openFiles: Double?
  var openFilesMax: Double?

  static var current: ProcessFigures {
    var figures = ProcessFigures()
    if let line = text(of: "/proc/self/stat") { figures.read(stat: line, boot: text(of: "/proc/stat") ?? "") }
    if let folder = opendir("/proc/self/fd") {
      var count = 0
      while let entry = readdir(folder) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
      closedir(folder)
      // The folder itself is open meanwhile.
      figures.openFiles = Double(count - 1)
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      figures.openFilesMax = limit.rlim_cur == .max ? .infinity : Double(limit.rlim_cur)
    }
    return figures
  }

  /// Reads the line of `/proc/PID/stat`, and of `/proc/stat` when the machine started.
  mutating func read(stat line: String, boot: String) {
    // The program's name is in parentheses, and may have any in it.
    guard let end = line.lastIndex(of: ")") else { return }
    // From the third field on.
    let fields = line[line.index(after: end)...].split(whereSeparator: \.isWhitespace)
    func field(_ number: Int) -> Double? { number - 3 < fields.count ? Double(fields[number - 3]) : nil }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    if let user = field(14), let system = field(15) { processorSeconds = (user + system) / ticks }
    threads = field(20)
    virtualBytes = field(23)
    residentBytes = field(24).map { $0 * Double(getpagesize()) }
    let bootLine = boot.split(separator: "\n").first { $0.hasPrefix("btime ") }
    if let start = field(22), let boot = bootLine.flatMap({ Double($0.dropFirst(6)) }) {
      startSeconds = boot + start / ticks
    }
  }

  private static func text(of path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer.prefix(count) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension Exposition {
  /// Writes what the system says about the process, by the names that Prometheus' own clients have for it.
  mutating func write(_ process: ProcessFigures) {
    if let seconds = process.processorSeconds {
      counter("process_cpu_seconds_total", "Processor time that was used.", seconds)
    }
    let gauges = [
      ("process_resident_memory_bytes", "Memory that is in use.", process.residentBytes),
      ("process_virtual_memory_bytes", "Address space that is in use.", process.virtualBytes),
      ("process_threads", "Threads.", process.threads),
      ("process_start_time_seconds", "When the process started, since 1970.", process.startSeconds),
      ("process_open_fds", "Open files and sockets.", process.openFiles),
      ("process_max_fds", "How many there may be.", process.openFilesMax),
    ]
    for case (let name, let help, let value?) in gauges { gauge(name, help, value) }
  }

  /// Writes what is running.
  mutating func writeBuild() {
    gauge(
      "sessiond_build_info", "1, with what is running.",
      [([("version", Sessiond.version), ("sqlite_version", SQLiteVersion.text)], 1)])
  }
}
