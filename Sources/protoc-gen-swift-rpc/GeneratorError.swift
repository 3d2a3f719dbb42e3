/// What protoc shows when nothing can be generated.
enum GeneratorError: Error, CustomStringConvertible {
  case badOption(String, String)
  case unsupported(file: String, String)

  var description: String {
    switch self {
    case .badOption(let option, let expected): "\(option): \(expected)"
    case .unsupported(let file, let reason): "\(file): \(reason)"
    }
  }
}
