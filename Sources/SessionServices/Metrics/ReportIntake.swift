import RPCCore
import SessionAPI
import SessionDomain

/// Takes the reports of one ReportActivity call.
struct ReportIntake {
  /// The most reports whose rejection is told: a caller that sends nothing good would have all of it sent back.
  static let rejectionsMax = 1000
  /// The most characters of an id that are told with it, which may be no id at all.
  private static let idCharactersMax = 128

  private let repository: any MetricsRepository
  private var index: Int64 = -1
  private(set) var accepted: Int64 = 0
  private var rejected: [RejectedReport] = []
  private var flaw: String?

  init(_ repository: any MetricsRepository) {
    self.repository = repository
  }

  /// Takes a report; false when it is not accepted, and `reject` is to say why.
  mutating func take(_ request: ReportActivityRequest) -> Bool {
    index += 1
    flaw = nil
    guard let id = SessionID(request.sessionID) else { return false }
    switch repository.report(ActivityReport(request, of: id)) {
    case .accepted:
      accepted += 1
      return true
    case .flawed(let flaw):
      self.flaw = flaw
      return false
    case .unknown: return false
    }
  }

  /// Notes why the report that was taken last was not accepted.
  mutating func reject(_ request: ReportActivityRequest) async throws {
    guard rejected.count < Self.rejectionsMax else { return }
    let reason: String
    if let flaw {
      reason = flaw
    } else if request.sessionID.isEmpty {
      reason = "the id of a session is required"
    } else if let id = SessionID(request.sessionID) {
      let repository = repository
      let refusal = try await answering { try await repository.refusal(ofReportsOf: id) }
      // It may have come about since, which was too late for this report.
      reason = refusal ?? "no session had this id"
    } else {
      reason = "no session has this id"
    }
    let (index, id) = (index, String(request.sessionID.prefix(Self.idCharactersMax)))
    rejected.append(
      .with {
        $0.index = index
        $0.sessionID = id
        $0.error = reason
      })
  }

  var response: ReportActivityResponse {
    .with {
      $0.accepted = accepted
      $0.rejected = rejected
    }
  }
}
