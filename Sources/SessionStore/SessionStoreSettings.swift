import SessionDomain

/// How a store runs. The defaults are the server's.
public struct SessionStoreSettings: Sendable {
  /// The database file; it is made when there is none.
  public var path: String
  /// The most sessions in no final status.
  public var maxSessions = 100
  /// How long a session may be without activity, or may take to start, unless it has a `timeout:MS` of its own. Zero
  /// means for ever.
  public var sessionTimeout: Duration = .seconds(300)
  /// What all allocations together may come to.
  public var capacity = ResourceCapacity()
  /// The places in the metadata that lists are often narrowed by: indexes are built for them, and others dropped, when
  /// the store is opened. Each costs every change of a session.
  public var metadataIndexes: [MetadataPath] = []
  /// How long events are kept.
  public var eventRetention: Duration = .seconds(7 * 24 * 60 * 60)
  /// How many events are kept.
  public var eventRetentionCount = 1_000_000
  /// How long the ids of requests are known.
  public var requestRetention: Duration = .seconds(24 * 60 * 60)
  /// How long a message may be in delivery.
  public var ackTimeout: Duration = .seconds(30)
  /// How often a message is delivered again that failed.
  public var maxRetries = 3
  /// How long a message that failed waits to be delivered again.
  public var retryDelay: Duration = .seconds(1)
  /// The most messages of one session that wait to be tried again, each of which takes memory: a receiver that fails
  /// everything gets no more meanwhile.
  public var delayedMessagesMax = 10_000
  /// How long it may take until reports, and activity that changed nothing, are in the file.
  public var metricsInterval: Duration = .seconds(10)
  /// How far back error rates, response times and throughput go.
  public var metricsWindow: Duration = .seconds(60)
  /// Whether reports are counted, beside being activity and telling what is used.
  public var recordsMetrics = true
  /// Whether all sessions whose health can have changed are looked at every `healthCheckInterval`.
  public var enableHealthChecks = true
  /// How often they are looked at.
  public var healthCheckInterval: Duration = .seconds(30)
  /// From where on a session is degraded or unhealthy.
  public var healthThresholds = HealthThresholds()
  /// The most changes in one commit.
  public var batchMax = 256
  /// The most changes that wait; more are refused as `overloaded`.
  public var waitingChangesMax = 8192
  /// Threads that read, each with a connection of its own.
  public var readerCount = 2
  /// The most reads that wait; more are refused as `overloaded`.
  public var waitingReadsMax = 8192
  /// How long one read may take on its thread.
  public var readTimeLimit: Duration = .seconds(10)
  /// The most snapshots that are open at once; more wait.
  public var snapshotsMax = 8
  /// The most snapshots that wait to be opened; more are refused as `overloaded`.
  public var waitingSnapshotsMax = 1024
  /// How long a snapshot stays open. Meanwhile the write-ahead log cannot shrink.
  public var snapshotLifetime: Duration = .seconds(30)
  /// The most memory for what searches look into; with more than that, they read the file.
  public var searchMemoryBytesMax = 256 << 20
  /// How often expired history is looked for when nothing is committed.
  public var housekeepingInterval: Duration = .seconds(60)

  /// The defaults, for the file at `path`.
  public init(path: String) {
    self.path = path
  }
}
