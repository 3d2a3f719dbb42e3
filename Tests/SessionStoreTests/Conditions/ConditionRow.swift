import SessionDomain

@testable import SessionStore

/// A session as conditions see it.
struct ConditionRow {
  var id: String
  var type: SessionType = .director
  var status: SessionStatus = .active
  var name = "session"
  var workspace = "/work"
  var metadata: [String: JSONValue] = [:]
  var capabilities: [String] = []
  var constraints: [String] = []
  var environment: [String: String] = [:]
  var parentID: String?
  var templateName: String?
  var clonedFrom: String?
  var statusReason: String?
  /// Microseconds since 1970, as all times here.
  var createTime: Int64 = 0
  var updateTime: Int64 = 0
  var startTime: Int64?
  var endTime: Int64?
  var lastActivityTime: Int64 = 0
  var revision: Int64 = 1

  var columns: [String: SQLValue] {
    [
      "id": .text(id), "type": .integer(Int64(type.rawValue)), "status": .integer(Int64(status.rawValue)),
      "name": .text(name), "workspace": .text(workspace), "metadata": .text(JSONValue.object(metadata).compactText),
      "capabilities": .text(JSONValue.array(capabilities.map(JSONValue.string)).compactText),
      "constraints": .text(JSONValue.array(constraints.map(JSONValue.string)).compactText),
      "environment": .text(JSONValue.object(environment.mapValues(JSONValue.string)).compactText),
      "parent_id": Self.value(parentID), "template_name": Self.value(templateName),
      "cloned_from": Self.value(clonedFrom), "status_reason": Self.value(statusReason),
      "create_time": .integer(createTime), "update_time": .integer(updateTime),
      "start_time": startTime.map(SQLValue.integer) ?? .null, "end_time": endTime.map(SQLValue.integer) ?? .null,
      "last_activity_time": .integer(lastActivityTime), "revision": .integer(revision),
    ]
  }

  private static func value(_ text: String?) -> SQLValue { text.map(SQLValue.text) ?? .null }
}
