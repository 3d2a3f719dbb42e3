import SwiftProtobufPluginLibrary

/// The comments before and behind a declaration as `///` lines, or `fallback` when there are none.
func docComment(of declaration: some ProvidesSourceCodeLocation, isDeprecated: Bool = false, or fallback: String)
  -> String
{
  var paragraphs: [[String]] = []
  if let location = declaration.sourceCodeInfoLocation {
    paragraphs = [location.leadingComments, location.trailingComments].map(lines).filter { !$0.isEmpty }
  }
  if paragraphs.isEmpty { paragraphs = [[fallback]] }
  if isDeprecated { paragraphs.append(["Deprecated."]) }
  return paragraphs.joined(separator: [""]).map { $0.isEmpty ? "///" : "/// \($0)" }.joined(separator: "\n")
}

// Without the space that follows the slashes, and without empty lines at either end.
private func lines(_ comment: String) -> [String] {
  var lines = comment.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line in
    var line = line.hasPrefix(" ") ? line.dropFirst() : line
    while line.last?.isWhitespace == true { line.removeLast() }
    return String(line)
  }
  while lines.last?.isEmpty == true { lines.removeLast() }
  return Array(lines.drop(while: \.isEmpty))
}
