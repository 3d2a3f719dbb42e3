/// Reads `--name value`, `--name=value`, and `--name` alone, which means true, into names and values; the last of
/// several with one name wins. Which names there are is for the settings to say.
func parseFlags(_ arguments: [String]) throws -> [String: String] {
  var flags: [String: String] = [:]
  var rest = arguments[...]
  while let argument = rest.popFirst() {
    guard argument.hasPrefix("--"), argument.count > 2 else { throw UnexpectedArgumentError(argument: argument) }
    let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 {
      flags[String(parts[0])] = String(parts[1])
    } else if let value = rest.first, !value.hasPrefix("--") {
      flags[String(parts[0])] = value
      rest.removeFirst()
    } else {
      flags[String(parts[0])] = "true"
    }
  }
  return flags
}

/// An argument that belongs to no flag.
struct UnexpectedArgumentError: Error, CustomStringConvertible {
  let argument: String

  var description: String { "unexpected argument \"\(argument)\"; settings are --name value, and --help lists them" }
}
