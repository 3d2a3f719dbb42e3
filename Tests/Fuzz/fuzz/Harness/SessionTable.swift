import CSQLite
import SessionDomain

@testable import SessionStore

/// A few sessions in memory, as the server's own schema has them. Used by one thread, hence the unchecked conformance.
final class SessionTable: @unchecked Sendable {
  private let handle: OpaquePointer?

  init() {
    var handle: OpaquePointer?
    let code = sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
    expect(code == SQLITE_OK, "no database: \(code)")
    self.handle = handle
    let rows = """
      INSERT INTO sessions (id, type, status, name, workspace, metadata, capabilities, constraints, environment,
        parent_id, template_name, create_time, update_time, start_time, last_activity_time, revision)
      VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 1, 1, 'a', '/w', '{}', '[]', '[]', '{}', NULL, NULL, 0, 0, NULL,
        0, 1),
      ('01890a5d-ac96-774b-bcce-b302099a8058', 2, 2, 'A1', '/w/a', '{"k":1,"o":{"b''c":"x","k":[1]},"\\"":true}',
        '["x","a"]', '["timeout:1"]', '{"k":"a"}', '01890a5d-ac96-774b-bcce-b302099a8057', 't', 1735689600000000, 5,
        -1, 7, 100000)
      """
    for sql in Migrations.all + [rows] {
      let code = sqlite3_exec(handle, sql, nil, nil, nil)
      expect(code == SQLITE_OK, "\(code) for \(sql)")
    }
  }

  /// What a condition is for each session; nil for unknown.
  func truths(_ condition: Condition) throws -> [Bool?] {
    let compiled = CompiledCondition(condition)
    return try values("SELECT \(compiled.sql) FROM sessions ORDER BY id", compiled.bindings).map { value in
      switch value {
      case .null: return nil
      case .integer(let truth): return truth != 0
      case .real, .text:
        expect(false, "\(value) is no truth: \(compiled.sql)")
        return nil
      }
    }
  }

  /// What sessions are ordered by.
  func values(_ field: SessionField) throws -> [SQLValue] {
    let order = CompiledOrder(field)
    return try values("SELECT \(order.sql) FROM sessions ORDER BY 1, id", order.bindings)
  }

  private func values(_ sql: String, _ bindings: [SQLValue]) throws -> [SQLValue] {
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v2(handle, sql, -1, &prepared, nil)
    expect(code == SQLITE_OK, "\(sqlite3_errmsg(handle).map { String(cString: $0) } ?? "\(code)"): \(sql)")
    guard let prepared else { return [] }
    let statement = Statement(prepared)
    expect(Int(sqlite3_bind_parameter_count(prepared)) == bindings.count, "\(bindings.count) values for \(sql)")
    for binding in bindings { statement.bind(binding) }
    var values: [SQLValue] = []
    while try statement.step() {
      var row = statement.row
      values.append(row.value())
    }
    return values
  }
}
