import SessionDomain

/// What a field's values are, as far as comparing them goes.
enum FieldKind {
  case text
  case integer
  /// A value out of a JSON document: any of the kinds, or missing.
  case json
}

extension SessionField {
  var kind: FieldKind {
    switch self {
    case .id, .name, .workspace, .parentID, .templateName, .clonedFrom, .statusReason, .environment: .text
    case .type, .status, .createTime, .updateTime, .startTime, .endTime, .lastActivityTime, .revision: .integer
    case .metadata: .json
    }
  }
}

/// A field as SQL expressions.
struct FieldSQL {
  private let field: SessionField
  private let indexes: MetadataIndexes

  init(_ field: SessionField, indexes: MetadataIndexes) {
    self.field = field
    self.indexes = indexes
  }

  /// Whether there is an index of the value that looks into a JSON document.
  var isIndexedLookup: Bool {
    if case .metadata(let keys) = field { indexes.contains(keys) } else { false }
  }

  /// The field's value, to order by and to compare with texts. True and false are 1 and 0.
  var value: SQLFragment {
    switch field {
    case .id: "id"
    case .type: "type"
    case .name: "name"
    case .status: "status"
    case .workspace: "workspace"
    case .parentID: "parent_id"
    case .templateName: "template_name"
    case .clonedFrom: "cloned_from"
    case .statusReason: "status_reason"
    case .createTime: "create_time"
    case .updateTime: "update_time"
    case .startTime: "start_time"
    case .endTime: "end_time"
    case .lastActivityTime: "last_activity_time"
    case .revision: "revision"
    case .metadata(let keys): lookup(keys).value
    case .environment(let key): JSONLookup(document: "environment", keys: [key]).value
    }
  }

  /// The field's value with true and false as blobs, which are equal to no number and no text.
  var distinctValue: SQLFragment {
    switch field {
    case .metadata(let keys): lookup(keys).distinctValue
    case .id, .type, .name, .status, .workspace, .parentID, .templateName, .clonedFrom, .statusReason, .createTime,
      .updateTime, .startTime, .endTime, .lastActivityTime, .revision, .environment:
      value
    }
  }

  private func lookup(_ keys: [String]) -> JSONLookup {
    JSONLookup(document: "metadata", keys: keys, isIndexed: indexes.contains(keys))
  }
}
