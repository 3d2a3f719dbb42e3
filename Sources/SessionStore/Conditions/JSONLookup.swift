import SessionDomain

/// A value inside a column that holds a JSON object, reached by keys that are nothing but keys.
///
/// SQLite 3.40 has no escapes in its JSON paths, and compares a path's keys with the document's bytes as they are
/// written. So keys that JSON writes as they are go into a path between quotes, `$."a"."b"`, and for paths with any
/// other key the document is walked level by level, which compares decoded keys.
struct JSONLookup {
  let document: SQLFragment
  /// From the outside in.
  let keys: [String]
  /// Whether there is an index of the value. SQLite knows the index's expression by its text, so that the path is
  /// written into the SQL then; otherwise it is a parameter, like everything that a caller wrote.
  var isIndexed = false

  /// NULL where there is nothing or a null, the text of arrays and objects, 1 and 0 for true and false.
  var value: SQLFragment {
    path.map { "json_extract(\(document), \($0))" } ?? walk("value")
  }

  /// The same, but `x'01'` and `x'00'` for true and false.
  var distinctValue: SQLFragment {
    guard let path else { return walk("CASE type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE value END") }
    return """
      CASE json_type(\(document), \(path)) WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' \
      ELSE json_extract(\(document), \(path)) END
      """
  }

  private var path: SQLFragment? {
    guard keys.allSatisfy(MetadataPath.isWrittenAsIs) else { return nil }
    let path = keys.reduce(into: "$") { path, key in path += ".\"\(key)\"" }
    return isIndexed ? SQLFragment(textLiteral: path) : "\(.text(path))"
  }

  private func walk(_ result: SQLFragment) -> SQLFragment {
    // The sign takes the column's affinity away, which would make numbers below it equal to texts.
    let list = JSONValue.array(keys.map(JSONValue.string)).compactText
    return """
      (WITH RECURSIVE walk(depth, type, value) AS (\
      SELECT 0, 'object', +\(document) UNION ALL \
      SELECT walk.depth + 1, step.type, step.value \
      FROM walk, json_each(CASE walk.type WHEN 'object' THEN walk.value ELSE '{}' END) AS step \
      WHERE step.key = json_extract(\(.text(list)), '$[' || walk.depth || ']')) \
      SELECT \(result) FROM walk WHERE depth = \(.integer(Int64(keys.count))))
      """
  }
}
