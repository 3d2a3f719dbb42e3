/// What durable creates cost, of one caller and of many who share flushes.
struct CreateSessionCost {
  static let groupShapes = [LoadShape(connections: 8, streams: 8), LoadShape(connections: 1, streams: 64)]
  private static let loneShape = LoadShape(connections: 1, streams: 1)

  let run: Run
  let sessiond: Sessiond

  func measure() throws {
    var lone = CallCosts()
    var groups = Self.groupShapes.map { _ in CallCosts() }
    for _ in 0..<run.options.rounds {
      lone.add(try sessiond.create(Self.loneShape, count: run.options.loneCreates))
      for (index, shape) in Self.groupShapes.enumerated() {
        groups[index].add(try sessiond.create(shape, count: run.options.groupCreates))
      }
    }
    let table = run.table
    table.head("CreateSession, durable", ["calls/s", "server CPU us/call"])
    table.row("1 caller, \(Self.loneShape.name)", lone)
    for (group, shape) in zip(groups, Self.groupShapes) { table.row("\(shape.callers) callers, \(shape.name)", group) }
    for (group, shape) in zip(groups, Self.groupShapes) {
      table.row(
        "\(shape.callers) callers, \(shape.name) / 1 caller", [Cell(group.rate / lone.rate, digits: 2)],
        target: "at least 8")
    }
  }
}
