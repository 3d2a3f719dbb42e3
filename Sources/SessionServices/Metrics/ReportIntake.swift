import RPCCore
import SessionAPI
import SessionDomain

/// Takes the reports of one ReportActivity call.
struct ReportIntake {
  /// The most reports whose rejection is told: a caller that sends nothing good would have all of it sent back.
  static let rejectionsMax = 1000
  /// The most of an id that is told with it, which may be no id at all. Unicode scalars: a character of many combining
  /// marks is of any length.
  private static let idScalarsMax = 128

  private let repository: any MetricsRepository
  private let changes: CommittedChanges
  private var index: Int64 = -1
  private(set) var accepted: Int64 = 0
  private var rejected: [RejectedReport] = []
  private var flaw: String?

  init(_ repository: any MetricsRepository, _ changes: CommittedChanges) {
    self.repository = repository
    self.changes = changes
  }

  /// Takes a report; false when it is not accepted, and `reject` is to say why.
  mutating func take(_ request: ReportActivityRequest) -> Bool {
    index += 1
    flaw = nil
    guard let id = SessionID(request.sessionID) else { return false }
    switch repository.report(ActivityReport(request, of: id)) {
    case .accepted:
      accepted += 1
      changes.noteActivity(of: id)
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
      do throws(SessionError) {
        // It may have come about since, which was too late for this report.
        reason = try await repository.refusal(ofReportsOf: id) ?? "no session had this id"
      } catch .overloaded {
        // No reason to end the call, whose other reports count.
        reason = "the server is too busy to tell why no session took it"
      } catch {
        throw RPCError(error)
      }
    } else {
      reason = "no session has this id"
    }
    let (index, id) = (index, String(request.sessionID.unicodeScalars.prefix(Self.idScalarsMax)))
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
