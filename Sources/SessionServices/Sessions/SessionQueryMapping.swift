import ProtobufWellKnownTypes
import RPCCore
import SessionAPI
import SessionDomain

extension SessionQuery {
  /// The query of a request.
  /// - Throws: INVALID_ARGUMENT with everything that is wrong with it.
  init(_ request: ListSessionsRequest) throws {
    self.init()
    var violations: [FieldViolation] = []
    types = request.types.enumerated().compactMap { index, type in
      let known = SessionDomain.SessionType(rawValue: type.rawValue)
      if known == nil { violations.append(.unknownType("types[\(index)]")) }
      return known
    }
    statuses = request.statuses.enumerated().compactMap { index, status in
      let known = SessionDomain.SessionStatus(rawValue: status.rawValue)
      if known == nil {
        violations.append(
          FieldViolation(
            path: "statuses[\(index)]",
            description: "a status is one of INITIALIZING, ACTIVE, IDLE, COMPLETED, ERROR and TERMINATED"))
      }
      return known
    }
    condition = Self.condition(request, &violations)
    order = Self.order(request, &violations)
    pageSize = Int(request.pageSize)
    pageToken = request.pageToken
    page = Int(request.page)
    includeTotal = request.includeTotal
    guard violations.isEmpty else { throw RPCError(violations + self.violations()) }
  }

  private static func condition(_ request: ListSessionsRequest, _ violations: inout [FieldViolation]) -> Condition? {
    guard !request.where.isEmpty || !request.params.isEmpty else { return nil }
    let refusedBefore = violations.count
    let parameters = request.params.enumerated().compactMap { index, parameter -> ConditionValue? in
      let path = "params[\(index)]"
      let json = parameter.json(at: path, &violations)
      let value = ConditionValue(json)
      if value == nil {
        violations.append(FieldViolation(path: path, description: "a null, a boolean, a number or a string"))
      }
      return value
    }
    guard violations.count == refusedBefore else { return nil }
    do throws(ConditionError) {
      return try Condition.parse(request.where, parameters: parameters)
    } catch {
      violations.append(FieldViolation(path: "where", description: error.description))
      return nil
    }
  }

  private static func order(_ request: ListSessionsRequest, _ violations: inout [FieldViolation]) -> [SessionOrder] {
    request.orderBy.enumerated().compactMap { index, entry -> SessionOrder? in
      let isDescending: Bool
      switch entry.direction {
      case .unspecified, .asc: isDescending = false
      case .desc: isDescending = true
      case .unrecognized:
        violations.append(
          FieldViolation(path: "order_by[\(index)].direction", description: "a direction is ASC or DESC"))
        return nil
      }
      do throws(ConditionError) {
        return SessionOrder(try OrderField.parse(entry.field), isDescending: isDescending)
      } catch {
        violations.append(FieldViolation(path: "order_by[\(index)].field", description: error.description))
        return nil
      }
    }
  }
}

extension FieldViolation {
  static func unknownType(_ path: String) -> FieldViolation {
    FieldViolation(path: path, description: "a type is one of DIRECTOR, DEPARTMENT, OBSERVER and ACTIVE")
  }
}
