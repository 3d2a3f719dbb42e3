/// How large the fields of a session may be.
public enum FieldLimits {
  /// Characters (Unicode scalars) of a name.
  public static let nameCharactersMax = 256
  /// Characters of a template's name, all of them ASCII.
  public static let templateNameCharactersMax = 128
  /// Bytes of a workspace path.
  public static let workspaceBytesMax = 4096
  /// Bytes of the reason for a status: the end of every session at once writes it several times for each.
  public static let reasonBytesMax = 4096
  /// Bytes of the metadata's compact JSON.
  public static let metadataBytesMax = 64 * 1024
  /// How deep metadata nests; the object itself counts as 1, and arrays count too.
  public static let metadataDepthMax = 32
  /// Capabilities of a session, and constraints of a session.
  public static let listEntriesMax = 128
  /// Characters (Unicode scalars) of one capability or constraint.
  public static let listEntryCharactersMax = 128
  /// Environment variables of a session.
  public static let environmentEntriesMax = 256
  /// Bytes of one environment variable's value.
  public static let environmentValueBytesMax = 4096
  /// Characters (Unicode scalars) of a request id.
  public static let requestIDCharactersMax = 64
}
