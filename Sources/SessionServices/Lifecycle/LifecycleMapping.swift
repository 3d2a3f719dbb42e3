import ProtobufWellKnownTypes
import SessionAPI
import SessionDomain

extension ResourceDraft {
  /// Resources as they came; those of a request without any are none.
  init(_ request: ResourceRequest?) {
    self.init(memory: request?.memory ?? "", cpu: request?.cpu ?? "", disk: request?.disk ?? "")
  }
}

extension GracefulShutdown {
  init(_ request: ShutdownSessionRequest, _ violations: inout [FieldViolation]) {
    self.init(reason: request.reason, cascade: request.cascade)
    if let duration = request.timeout { timeout = duration.duration(at: "timeout", &violations) }
    violations += self.violations()
  }
}

extension Migration {
  init(_ request: MigrateSessionRequest, _ violations: inout [FieldViolation]) {
    self.init(workspace: request.workspace, preservesState: request.preserveState)
    violations += self.violations()
    if let duration = request.timeout { timeout = duration.duration(at: "timeout", &violations) }
  }
}

extension CloneDraft {
  init(_ request: CloneSessionRequest) {
    self.init(name: request.name, resetsState: request.resetState, copiesResources: request.copyResources)
  }
}
