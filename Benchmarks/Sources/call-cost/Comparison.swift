import Foundation

/// Measures the server and its measure beside it, turn by turn, so that both meet the same machine.
struct Comparison {
  let run: Run

  func measure() throws {
    let flushes = try DiskFlush.perSecond(folder: run.folder, count: 500)
    run.table.show(
      "\(run.options.rounds) rounds: medians, in brackets the range; the disk flushes \(Int(flushes)) times a second")

    // As an operator has it: with tokens. Beside it what tokens and what TLS add.
    let tokens = try Tokens.made(by: run.options.sessiond, folder: run.folder)
    let certificate = try Certificate.selfSigned(folder: run.folder)
    try FileManager.default.createDirectory(atPath: run.replies, withIntermediateDirectories: true)
    let nghttpd = try ServerProcess.nghttpd(folder: run.replies, processor: run.serverProcessor)
    defer { nghttpd.stop() }
    let sessiond = try Sessiond(run, name: "sessiond", access: Access(tokens: tokens))
    defer { sessiond.stop() }
    let open = try Sessiond(run, name: "open", access: Access())
    defer { open.stop() }
    let secure = try Sessiond(run, name: "secure", access: Access(tokens: tokens, certificate: certificate))
    defer { secure.stop() }

    try GetSessionCost(run: run, nghttpd: nghttpd, sessiond: sessiond, open: open, secure: secure).measure()
    try CreateSessionCost(run: run, sessiond: sessiond).measure()
    try WatchEventsCost(run: run, sessiond: sessiond).measure()
    run.table.show("\nsessiond's memory after all that: \(try sessiond.process.residentBytes() >> 20) MiB")
    try IdleConnectionMemory(run: run, access: sessiond.process.access).measure()
  }
}
