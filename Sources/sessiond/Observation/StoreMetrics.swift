import AdminPort
import SessionDomain
import SessionServices
import SessionStore

extension Exposition {
  /// Writes who watches events.
  mutating func write(_ feed: FeedFigures) {
    gauge("sessiond_event_watchers", "Calls of WatchEvents.", Double(feed.watchers))
    gauge(
      "sessiond_event_watchers_behind_memory", "Those whose next event is only in the database file.",
      Double(feed.behindMemory))
    gauge(
      "sessiond_event_watch_lag_max", "Events that the watcher farthest behind has yet to get.", Double(feed.lagMax))
    gauge(
      "sessiond_event_watch_lag_sum", "Events that all watchers together have yet to get.", Double(feed.lagSum))
  }

  /// Writes what the store holds and does.
  mutating func write(_ store: StoreFigures) {
    writeHoldings(store.commits)
    writeCommits(store)
    writeFile(store)
  }

  private mutating func writeHoldings(_ commits: CommitFigures) {
    gauge(
      "sessiond_sessions", "Sessions by type.",
      SessionType.allCases.map { ([("type", $0.description.uppercased())], Double(commits.byType[$0] ?? 0)) })
    gauge(
      "sessiond_sessions_by_status", "Sessions by status.",
      SessionStatus.allCases.map { ([("status", $0.description.uppercased())], Double(commits.byStatus[$0] ?? 0)) })
    gauge("sessiond_event_sequence", "The sequence of the newest event.", Double(commits.sequence))
    gauge(
      "sessiond_event_sequence_oldest", "The sequence of the oldest event that is kept.",
      Double(commits.oldestSequence))
    gauge(
      "sessiond_messages", "Messages that nobody has acknowledged, by whether they are in delivery.",
      [
        ([("state", "waiting")], Double(commits.messages - commits.messagesInDelivery)),
        ([("state", "in_delivery")], Double(commits.messagesInDelivery)),
      ])
    gauge("sessiond_dead_letters", "Messages that could not be delivered.", Double(commits.deadLetters))
    counter(
      "sessiond_health_looks_total", "Sessions that the regular looks came to: those that may have changed.",
      Double(commits.lookedAt))
  }

  private mutating func writeCommits(_ store: StoreFigures) {
    gauge("sessiond_changes_waiting", "Changes that wait for the committer.", Double(store.changesWaiting))
    let sizes = Distribution(store.commits.batchSizes)
    histogram("sessiond_commit_batch_size", "Changes that were written together.", [([], sizes)])
    let seconds = Distribution(store.commits.commitSeconds)
    histogram(
      "sessiond_commit_seconds", "From the first change of a batch until all of it was on the disk.", [([], seconds)])
    counter("sessiond_commit_failures_total", "Batches that could not be written.", Double(store.commits.failures))
    gauge("sessiond_readers", "Threads that read the database file.", Double(store.reading.threads))
    gauge("sessiond_readers_busy", "Those that read right now.", Double(store.reading.busy))
    gauge("sessiond_reads_waiting", "Reads that wait for one.", Double(store.reading.waiting))
    counter("sessiond_reads_total", "Reads that were done.", Double(store.reading.reads))
  }

  private mutating func writeFile(_ store: StoreFigures) {
    gauge("sessiond_sqlite_file_bytes", "The size of the database file.", Double(store.fileBytes))
    gauge("sessiond_sqlite_wal_bytes", "The size of the write-ahead log beside it.", Double(store.logBytes))
    gauge(
      "sessiond_sqlite_memory_bytes", "What SQLite has allocated, most of it for pages it caches.",
      Double(store.memoryBytes))
    let pages = [("writer", store.commits.pages), ("reader", store.reading.pages)]
    counter(
      "sessiond_sqlite_page_cache_hits_total", "Pages that were in the cache.",
      pages.map { ([("connection", $0)], Double($1.hits)) })
    counter(
      "sessiond_sqlite_page_cache_misses_total", "Pages that had to be read from the file.",
      pages.map { ([("connection", $0)], Double($1.misses)) })
    counter("sessiond_sqlite_pages_written_total", "Pages that were written.", Double(store.commits.pages.writes))
  }
}

extension Exposition.Distribution {
  fileprivate init(_ histogram: Histogram) {
    self.init(bounds: histogram.bounds, counts: histogram.counts, sum: histogram.sum)
  }
}
