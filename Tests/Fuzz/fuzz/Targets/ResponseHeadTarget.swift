import RPCCore

@testable import RPCTransport

extension FuzzTarget {
  /// What a server sends a client: header lists, one after the other.
  static let responseHead = FuzzTarget(
    "response-head",
    seeds: [
      status("200") + contentType + [0] + end("0") + [0], status("100") + [0] + status("200") + contentType + [0],
      status("200") + contentType + end("5") + FuzzInput.field(4, "no%20such%C3%A4") + [0],
      status("200") + contentType + FuzzInput.field(5, "gzip") + FuzzInput.field("key-bin", "AQ") + [0],
      status("503") + [0], end("17") + [0], status("200") + FuzzInput.field(2, "text/html") + [0],
    ],
    words: ["application/grpc", "+proto", "identity", "deflate", "200", "16", "17", "-bin", "%C3%A4"]
  ) { input in
    var reader = ResponseHeadReader(listBytesMax: listBytesMax)
    while !input.isEmpty {
      var listBytes = 0
      var lastStatus: String?
      let isWhole = input.takeFields(names) { name, value in
        reader.receive(name, value)
        listBytes += name.count + value.count + 32
        if listBytes <= listBytesMax, name.elementsEqual("grpc-status".utf8) {
          lastStatus = String(decoding: value, as: UTF8.self)
        }
      }
      guard isWhole else { return }
      check(reader.finish(), isTooLong: listBytes > listBytesMax, lastStatus)
    }
  }

  private static let listBytesMax = 1024
  private static let names = [":status", "content-type", "grpc-status", "grpc-message", "grpc-encoding", "x-bin"]

  // A call ends as its status says, which is a number without a sign, and with UNKNOWN where it says nothing.
  private static func check(_ head: ResponseHeadReader.Head, isTooLong: Bool, _ status: String?) {
    let isNumber = status?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? false
    let number = isNumber ? status.flatMap { Int($0) } : nil
    switch head {
    case .informational: break
    case .response: expect(!isTooLong && status == nil, "a list is headers that is not")
    case .end(nil, _): expect(!isTooLong && number == 0, "a call ended well with status \(status ?? "none")")
    case .end(let error?, let trailers):
      expect(!isTooLong && error.code != .ok && error.trailers == trailers, "a call ended with \(error)")
      expect(error.code == .unknown || error.code.rawValue == number, "status \(status ?? "none") is \(error)")
    case .refusal(let error):
      expect(error.code != .ok, "a refusal is OK")
      expect(!isTooLong || error.code == .resourceExhausted, "a list over the limit is \(error)")
    }
  }

  private static func status(_ text: String) -> [UInt8] { FuzzInput.field(1, text) }
  private static func end(_ text: String) -> [UInt8] { FuzzInput.field(3, text) }
  private static let contentType = FuzzInput.field(2, "application/grpc")
}
