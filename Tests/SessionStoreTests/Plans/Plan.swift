import SessionDomain
import Testing

@testable import SessionStore

/// What SQLite says it does for a statement.
struct Plan: CustomStringConvertible, Sendable {
  /// A step a line.
  let description: String

  private var steps: [Substring] { description.split(separator: "\n") }

  /// The steps that read a table.
  var reads: [Substring] { steps.filter { $0.hasPrefix("SEARCH") || $0.hasPrefix("SCAN") } }

  /// Whether rows are sorted that no index gives in order.
  var sorts: Bool { steps.contains("USE TEMP B-TREE FOR ORDER BY") }

  /// Whether rows are sorted of which all terms but the last ones are in order, group by group.
  var sortsTies: Bool { steps.contains { $0.hasPrefix("USE TEMP B-TREE FOR") && $0.hasSuffix("OF ORDER BY") } }

  /// Every read is one of these kinds; an index that has other indexes' names in its own does not matter.
  func readsOnly(_ read: String) -> Bool { !reads.isEmpty && reads.allSatisfy { $0.hasPrefix(read) } }
}

extension SQLiteSessionRepository {
  /// The plan of a statement on the store's own file, as its readers see it.
  func plan(_ statement: SQLFragment) async throws -> Plan {
    try await readers.read { (database) throws(SessionError) in
      try storing { () throws(StorageFailure) in
        let explained = try database.bound(
          SQLFragment(sql: "EXPLAIN QUERY PLAN " + statement.sql, bindings: statement.bindings))
        var steps: [String] = []
        while try explained.step() {
          var row = explained.row
          _ = (row.integer(), row.integer(), row.integer())
          steps.append(row.text())
        }
        explained.reset()
        return Plan(description: steps.joined(separator: "\n"))
      }
    }
  }

  /// The plan of a list's page.
  func plan(_ query: SessionQuery) async throws -> Plan {
    try await plan(SessionList(query, indexes: metadataIndexes).pageStatement)
  }

  /// The plan of counting a list.
  func totalPlan(_ query: SessionQuery) async throws -> Plan {
    try await plan(SessionList(query, indexes: metadataIndexes).totalStatement)
  }
}
