import ProtobufC
import ProtobufWellKnownTypes
import RPCCore
import RPCServices
import Testing

@Suite struct ErrorDetailTests {
  private func status(_ details: ErrorDetail...) throws -> Google_Rpc_Status {
    let error = RPCError(.failedPrecondition, "message", details: details)
    let bytes = try #require(error.trailers[binary: "grpc-status-details-bin"])
    return try bytes.withUnsafeBytes { try Google_Rpc_Status(decoding: $0) }
  }

  private func unpacked<Message: ProtobufMessage>(_ detail: ErrorDetail, as type: Message.Type) throws -> Message {
    let any = try #require(try status(detail).details.first)
    #expect(any.typeURL == "type.googleapis.com/\(Message.fullName)")
    return try any.value.withUnsafeBytes { try Message(decoding: $0) }
  }

  @Test func theStatusRepeatsCodeAndMessage() throws {
    let status = try status()
    #expect(status.code == 9)
    #expect(status.message == "message")
    #expect(status.details.isEmpty)
  }

  @Test func detailsKeepTheirOrder() throws {
    let details = try status(
      .info(reason: "R", domain: "d", metadata: [:]), .retry(after: .seconds(1)), .badRequest([])
    ).details
    #expect(details.map { $0.typeURL.split(separator: ".").last } == ["ErrorInfo", "RetryInfo", "BadRequest"])
  }

  @Test func infoHasReasonDomainAndMetadata() throws {
    let info = try unpacked(
      .info(reason: "R", domain: "d", metadata: ["k": "v"]), as: Google_Rpc_ErrorInfo.self)
    #expect(info.reason == "R" && info.domain == "d" && info.metadata == ["k": "v"])
  }

  @Test func aBadRequestNamesItsFields() throws {
    let request = try unpacked(
      .badRequest([.init(field: "a", description: "b")]), as: Google_Rpc_BadRequest.self)
    #expect(request.fieldViolations.map(\.field) == ["a"])
    #expect(request.fieldViolations.map(\.description_p) == ["b"])
  }

  @Test func aPreconditionNamesItsSubject() throws {
    let failure = try unpacked(
      .preconditionFailure(type: "T", subject: "s", description: "d"), as: Google_Rpc_PreconditionFailure.self)
    #expect(failure.violations.map(\.type) == ["T"])
    #expect(failure.violations.map(\.subject) == ["s"])
    #expect(failure.violations.map(\.description_p) == ["d"])
  }

  @Test func aResourceHasItsTypeAndName() throws {
    let resource = try unpacked(
      .resource(type: "t", name: "n", description: "d"), as: Google_Rpc_ResourceInfo.self)
    #expect(resource.resourceType == "t" && resource.resourceName == "n" && resource.description_p == "d")
  }

  @Test func aRetryHasItsDelay() throws {
    let retry = try unpacked(.retry(after: .milliseconds(1500)), as: Google_Rpc_RetryInfo.self)
    #expect(retry.retryDelay?.seconds == 1)
    #expect(retry.retryDelay?.nanos == 500_000_000)
  }

  @Test func aQuotaNamesItsSubject() throws {
    let failure = try unpacked(.quotaFailure(subject: "s", description: "d"), as: Google_Rpc_QuotaFailure.self)
    #expect(failure.violations.map(\.subject) == ["s"])
    #expect(failure.violations.map(\.description_p) == ["d"])
  }

  @Test func aDetailThatCannotBeEncodedIsLeftOut() throws {
    let details = try status(
      .info(reason: "R\0", domain: "d", metadata: [:]), .resource(type: "t", name: "n", description: "")
    ).details
    #expect(details.count == 1)
  }

  @Test func aMessageThatCannotBeEncodedStandsAlone() {
    let error = RPCError(.notFound, "a\0b", details: [.retry(after: .seconds(1))])
    #expect(error.message == "a\0b")
    #expect(error.trailers.isEmpty)
  }
}
