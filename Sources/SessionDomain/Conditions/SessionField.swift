/// A field of a session that conditions test and lists are ordered by.
public enum SessionField: Sendable, Hashable {
  case id
  case type
  case name
  case status
  case workspace
  case parentID
  case templateName
  case clonedFrom
  case statusReason
  case createTime
  case updateTime
  case startTime
  case endTime
  case lastActivityTime
  case revision
  /// A value inside the metadata: the keys on the way to it, from the outside in, at least one and at most
  /// ``metadataDepthMax``. Each is a key and nothing else, whatever characters it has.
  case metadata([String])
  /// An environment variable, by its name.
  case environment(String)
}

extension SessionField {
  /// How many keys a path into the metadata may have. Metadata is at most 32 deep, so nothing lies deeper.
  public static let metadataDepthMax = 32

  /// The names of the grammar, for an error message.
  static var names: String {
    """
    id, type, name, status, workspace, parentId, templateName, clonedFrom, statusReason, createdAt, updatedAt, \
    startedAt, endedAt, lastActivity, revision, metadata, environment
    """
  }

  /// The field with this name: in camelCase, in snake_case, or as the proto spells it. Case matters.
  ///
  /// Metadata and environment have no plain name; they are reached with `->>`.
  init?(name: String) {
    switch name {
    case "id": self = .id
    case "type": self = .type
    case "name": self = .name
    case "status": self = .status
    case "workspace": self = .workspace
    case "parentId", "parent_id": self = .parentID
    case "templateName", "template_name": self = .templateName
    case "clonedFrom", "cloned_from": self = .clonedFrom
    case "statusReason", "status_reason": self = .statusReason
    case "createdAt", "created_at", "createTime", "create_time": self = .createTime
    case "updatedAt", "updated_at", "updateTime", "update_time": self = .updateTime
    case "startedAt", "started_at", "startTime", "start_time": self = .startTime
    case "endedAt", "ended_at", "endTime", "end_time": self = .endTime
    case "lastActivity", "last_activity", "lastActivityTime", "last_activity_time": self = .lastActivityTime
    case "revision": self = .revision
    default: return nil
    }
  }
}

extension SessionField: CustomStringConvertible {
  /// The field in the grammar's own spelling; ``OrderField/parse(_:)`` reads it back.
  public var description: String {
    switch self {
    case .id: "id"
    case .type: "type"
    case .name: "name"
    case .status: "status"
    case .workspace: "workspace"
    case .parentID: "parentId"
    case .templateName: "templateName"
    case .clonedFrom: "clonedFrom"
    case .statusReason: "statusReason"
    case .createTime: "createdAt"
    case .updateTime: "updatedAt"
    case .startTime: "startedAt"
    case .endTime: "endedAt"
    case .lastActivityTime: "lastActivity"
    case .revision: "revision"
    case .metadata(let keys):
      keys.enumerated().reduce("metadata") { text, key in
        text + (key.offset == keys.count - 1 ? "->>" : "->") + Self.literal(key.element)
      }
    case .environment(let key): "environment->>" + Self.literal(key)
    }
  }

  private static func literal(_ key: String) -> String {
    var quoted = String.UnicodeScalarView("'".unicodeScalars)
    for scalar in key.unicodeScalars {
      quoted.append(scalar)
      if scalar == "'" { quoted.append(scalar) }
    }
    quoted.append("'")
    return String(quoted)
  }
}

/// A list of a session that `HAS` looks into.
public enum SessionListField: String, Sendable, Hashable {
  case capabilities
  case constraints
}
