// Sessions on the wire and in the domain. Both modules have the same names for the same things, hence the
// qualified ones here.

import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

extension SessionAPI.Session {
  init(_ session: SessionDomain.Session) {
    self.init()
    id = session.id.description
    type = .init(rawValue: session.type.rawValue)
    name = session.name
    status = .init(rawValue: session.status.rawValue)
    workspace = session.workspace
    metadata = session.metadata.isEmpty ? nil : Google_Protobuf_Struct(session.metadata)
    capabilities = session.capabilities
    constraints = session.constraints
    environment = session.environment
    parentID = session.parentID?.description ?? ""
    resources = session.resources.map { resources in
      .with {
        $0.memoryBytes = resources.memoryBytes
        $0.cpuMillicores = resources.cpuMillicores
        $0.diskBytes = resources.diskBytes
      }
    }
    registration = session.registration.map { registration in
      .with {
        $0.messageTypes = registration.messageTypes
        $0.priority = .init(rawValue: registration.priority?.rawValue ?? 0)
        $0.registerTime = .init(registration.registerTime)
        $0.draining = registration.isDraining
      }
    }
    templateName = session.templateName ?? ""
    clonedFrom = session.clonedFrom?.description ?? ""
    statusReason = session.statusReason ?? ""
    createTime = .init(session.createTime)
    updateTime = .init(session.updateTime)
    startTime = session.startTime.map { .init($0) }
    endTime = session.endTime.map { .init($0) }
    lastActivityTime = .init(session.lastActivityTime)
    revision = session.revision
  }
}

extension SessionDraft {
  /// The input fields of a session on the wire, malformed where a value of its metadata is none; the output-only fields
  /// are ignored.
  init(_ session: SessionAPI.Session) {
    var violations: [FieldViolation] = []
    self.init(
      type: SessionDomain.SessionType(rawValue: session.type.rawValue), name: session.name,
      workspace: session.workspace, metadata: session.metadata.members(at: "session.metadata", &violations),
      capabilities: session.capabilities, constraints: session.constraints, environment: session.environment,
      parentID: session.parentID)
    malformed = violations
  }
}
