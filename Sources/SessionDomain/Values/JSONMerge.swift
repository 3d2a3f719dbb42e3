extension JSONValue {
  /// The members with `patch` merged over them (RFC 7396): objects merge member by member, a null removes its member,
  /// and anything else replaces what was there, lists as a whole.
  ///
  /// The patch's depth is the caller's to bound.
  public static func merge(
    _ patch: [String: JSONValue], over members: [String: JSONValue]
  ) -> [String: JSONValue] {
    var merged = members
    for (key, value) in patch {
      switch value {
      case .null: merged[key] = nil
      case .object(let inner):
        // What is no object gives way as if it were an empty one, so that no null of the patch stays.
        guard case .object(let before)? = merged[key] else {
          merged[key] = .object(merge(inner, over: [:]))
          continue
        }
        merged[key] = .object(merge(inner, over: before))
      case .bool, .number, .string, .array: merged[key] = value
      }
    }
    return merged
  }
}
