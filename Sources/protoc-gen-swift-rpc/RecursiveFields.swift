import SwiftProtobufPluginLibrary

extension FieldDescriptor {
  /// Whether a struct that stores the field's message in place would contain itself.
  var isRecursive: Bool {
    guard storesMessageInPlace, let target = messageType, let start = containingType else { return false }
    var visited: Set<String> = []
    var toVisit = [target]
    while let message = toVisit.popLast() {
      if message.fullName == start.fullName { return true }
      guard visited.insert(message.fullName).inserted else { continue }
      toVisit += message.fields.filter(\.storesMessageInPlace).compactMap { $0.messageType }
    }
    return false
  }

  // Arrays and dictionaries keep their elements elsewhere.
  private var storesMessageInPlace: Bool { type == .message && !isRepeated }
}
