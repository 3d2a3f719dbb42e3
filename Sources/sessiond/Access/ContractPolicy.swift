import RPCCore
import RPCServices
import SessionAPI

extension AccessPolicy {
  /// Who may call which method: who reads is a reader, who changes is an operator, and what ends everybody's work at
  /// once is for admins. Whether the server is well may be asked by anybody, load balancers among them.
  static let contract = AccessPolicy(
    anybody: [
      Grpc_Health_V1_HealthMethods.check, Grpc_Health_V1_HealthMethods.list, Grpc_Health_V1_HealthMethods.watch,
    ],
    reader: [
      SessionServiceMethods.getSession, SessionServiceMethods.listSessions, SessionServiceMethods.searchSessions,
      EventServiceMethods.watchEvents, EventServiceMethods.listEvents,
      TemplateServiceMethods.getTemplate, TemplateServiceMethods.listTemplates,
      AffinityServiceMethods.getSessionAffinity, AffinityServiceMethods.resolveAffinity,
      MessageServiceMethods.listDeadLetters,
      SessionHealthServiceMethods.checkSessionHealth, SessionHealthServiceMethods.watchSessionHealth,
      MetricsServiceMethods.getSessionStats, MetricsServiceMethods.getPerformanceMetrics,
      MetricsServiceMethods.watchPerformanceMetrics,
      MethodDescriptor(service: "grpc.reflection.v1.ServerReflection", method: "ServerReflectionInfo"),
      MethodDescriptor(service: "grpc.reflection.v1alpha.ServerReflection", method: "ServerReflectionInfo"),
    ],
    operator: [
      SessionServiceMethods.createSession, SessionServiceMethods.updateSession, SessionServiceMethods.deleteSession,
      LifecycleServiceMethods.bootstrapSession, LifecycleServiceMethods.initializeSession,
      LifecycleServiceMethods.startSession, LifecycleServiceMethods.shutdownSession,
      LifecycleServiceMethods.forceShutdownSession, LifecycleServiceMethods.cleanupSession,
      LifecycleServiceMethods.migrateSession, LifecycleServiceMethods.cloneSession,
      TemplateServiceMethods.createTemplate, TemplateServiceMethods.deleteTemplate,
      TemplateServiceMethods.instantiateTemplate,
      AffinityServiceMethods.setSessionAffinity, AffinityServiceMethods.deleteSessionAffinity,
      // Who receives a message takes it from the queue.
      MessageServiceMethods.registerSession, MessageServiceMethods.deregisterSession, MessageServiceMethods.sendMessage,
      MessageServiceMethods.receiveMessages, MessageServiceMethods.acknowledgeMessages,
      MetricsServiceMethods.reportActivity,
    ],
    admin: [LifecycleServiceMethods.emergencyShutdown])
}
