import RPCCore
import Testing

@Suite struct MessageEncodingTests {
  @Test(arguments: [
    ("identity", MessageEncoding.identity), ("gzip", .gzip), ("deflate", .deflate), ("", nil), ("GZIP", nil),
    ("gzip ", nil), ("gzi", nil), ("gzipp", nil), ("snappy", nil), ("\0", nil),
  ])
  func aNameStandsForItsEncodingAndNothingElse(name: String, encoding: MessageEncoding?) {
    #expect(name.withBytes { MessageEncoding($0) } == encoding)
  }

  @Test func theAcceptedOnesAreNamedOnce() {
    #expect(MessageEncoding.accepted == "identity,gzip,deflate")
  }

  @Test(arguments: [
    ("", MessageEncoding.identity), ("identity", .identity), ("gzip", .gzip), ("deflate", .deflate),
    ("identity, deflate, gzip", .gzip), ("identity,gzip,deflate", .gzip), ("gzip,identity", .gzip),
    ("identity,deflate", .deflate), ("snappy , deflate", .deflate), ("br,zstd,snappy", .identity),
    (",,,gzip,", .gzip), ("\t gzip\t", .gzip), (" ", .identity), (",", .identity), ("gzip;q=0.5,deflate", .deflate),
    ("xgzip", .identity), ("GZIP", .identity),
  ])
  func theBestCommonEncodingIsChosen(list: String, encoding: MessageEncoding) {
    #expect(list.withBytes { MessageEncoding.best(acceptedBy: $0) } == encoding)
  }

  @Test func whatIsAcceptedHereIsUnderstoodHere() {
    #expect(MessageEncoding.accepted.withBytes { MessageEncoding.best(acceptedBy: $0) } == .gzip)
  }
}

extension String {
  fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Array(utf8).withUnsafeBytes(body)
  }
}
