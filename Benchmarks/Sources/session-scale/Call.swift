import Foundation

/// A kind of call that is measured.
enum Call: CaseIterable {
  case page, latestPage, metadataPage, latestMetadataPage, commonSearch, rareSearch, missingSearch
  case getSession, createSession

  /// Those whose time has a bound, and is taken of one caller.
  static let bounded: [Call] = allCases.filter { $0 != .getSession && $0 != .createSession }

  var name: String {
    switch self {
    case .page: "type and status"
    case .latestPage: "type and status, latest first"
    case .metadataPage: "declared key"
    case .latestMetadataPage: "declared key, latest first"
    case .commonSearch: "search, all match"
    case .rareSearch: "search, one matches"
    case .missingSearch: "search, none matches"
    case .getSession: "GetSession"
    case .createSession: "CreateSession"
    }
  }

  var method: String {
    switch self {
    case .page, .latestPage, .metadataPage, .latestMetadataPage: "ListSessions"
    case .commonSearch, .rareSearch, .missingSearch: "SearchSessions"
    case .getSession: "GetSession"
    case .createSession: "CreateSession"
    }
  }

  var makesSessions: Bool { self == .createSession }

  /// The request; `id` is of a session that is there.
  func request(id: String) -> Data {
    switch self {
    case .page: Requests.listSessions(type: 2, status: 2, latestFirst: false)
    case .latestPage: Requests.listSessions(type: 2, status: 2, latestFirst: true)
    case .metadataPage: list(latestFirst: false)
    case .latestMetadataPage: list(latestFirst: true)
    case .commonSearch: Requests.searchSessions("workspaces/team")
    case .rareSearch: Requests.searchSessions("Worker-0000777")
    case .missingSearch: Requests.searchSessions("worker-x")
    case .getSession: Requests.getSession(id)
    case .createSession: Requests.createSession
    }
  }

  private func list(latestFirst: Bool) -> Data {
    Requests.listSessions(whereMetadata: SessionFill.key, is: SessionFill.domain(7), latestFirst: latestFirst)
  }

  /// Whether a reply has the sessions that must be found: as often as there are of them, what each has once.
  func isExpected(_ reply: Data) -> Bool {
    switch self {
    case .page, .latestPage, .commonSearch: reply.count(of: "/srv/workspaces/team-") == 50
    case .metadataPage, .latestMetadataPage: reply.count(of: SessionFill.domain(7)) == 50
    case .rareSearch: reply.count(of: SessionFill.name(777)) == 1
    case .getSession: reply.count(of: "/srv/workspaces/team-") == 1
    case .missingSearch: reply.count == 5
    case .createSession: true
    }
  }
}

extension Data {
  fileprivate func count(of text: String) -> Int {
    var (count, next) = (0, startIndex)
    while let place = range(of: Data(text.utf8), in: next..<endIndex) {
      count += 1
      next = place.upperBound
    }
    return count
  }
}
