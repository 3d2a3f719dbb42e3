/// The steps from an empty file to the schema of today; the version is how many were taken.
///
/// A step that was released is never edited: changes are new steps.
enum Migrations {
  static let all: [String] = [initial, allocated, templates, affinities, messages, lists, metrics]

  /// Sessions have rowids: creates cost the same without, but rows of some hundred bytes in a tree of texts make it
  /// deep, and 100,000 sessions in the order of an index took twice as long to read. Every index ends with the id, by
  /// which all ties are broken.
  private static let initial = """
    CREATE TABLE sessions (
      id TEXT NOT NULL PRIMARY KEY,
      type INTEGER NOT NULL,
      status INTEGER NOT NULL,
      name TEXT NOT NULL,
      workspace TEXT NOT NULL,
      metadata TEXT NOT NULL,
      capabilities TEXT NOT NULL,
      constraints TEXT NOT NULL,
      environment TEXT NOT NULL,
      parent_id TEXT,
      template_name TEXT,
      cloned_from TEXT,
      status_reason TEXT,
      memory_bytes INTEGER,
      cpu_millicores INTEGER,
      disk_bytes INTEGER,
      register_message_types TEXT,
      register_priority INTEGER,
      register_time INTEGER,
      register_draining INTEGER,
      create_time INTEGER NOT NULL,
      update_time INTEGER NOT NULL,
      start_time INTEGER,
      end_time INTEGER,
      last_activity_time INTEGER NOT NULL,
      revision INTEGER NOT NULL
    );
    CREATE INDEX sessions_by_create_time ON sessions (create_time, id);
    CREATE INDEX sessions_by_last_activity_time ON sessions (last_activity_time, id);
    CREATE INDEX sessions_by_type ON sessions (type, create_time, id);
    CREATE INDEX sessions_by_status ON sessions (status, create_time, id);
    CREATE INDEX sessions_by_parent ON sessions (parent_id, id) WHERE parent_id IS NOT NULL;

    CREATE TABLE events (
      sequence INTEGER PRIMARY KEY,
      time INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      session_id TEXT NOT NULL,
      session_type INTEGER NOT NULL,
      session_name TEXT NOT NULL,
      old_status INTEGER,
      new_status INTEGER NOT NULL,
      reason TEXT,
      error TEXT,
      changed_fields TEXT,
      old_health TEXT,
      new_health TEXT
    );

    CREATE TABLE totals (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      sequence INTEGER NOT NULL DEFAULT 0,
      time INTEGER NOT NULL DEFAULT 0,
      type_director INTEGER NOT NULL DEFAULT 0,
      type_department INTEGER NOT NULL DEFAULT 0,
      type_observer INTEGER NOT NULL DEFAULT 0,
      type_active INTEGER NOT NULL DEFAULT 0,
      status_initializing INTEGER NOT NULL DEFAULT 0,
      status_active INTEGER NOT NULL DEFAULT 0,
      status_idle INTEGER NOT NULL DEFAULT 0,
      status_completed INTEGER NOT NULL DEFAULT 0,
      status_error INTEGER NOT NULL DEFAULT 0,
      status_terminated INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO totals (id) VALUES (1);

    CREATE TABLE requests (
      method TEXT NOT NULL,
      request_id TEXT NOT NULL,
      body_digest BLOB NOT NULL,
      session_id TEXT NOT NULL,
      time INTEGER NOT NULL,
      PRIMARY KEY (method, request_id)
    ) WITHOUT ROWID;
    CREATE INDEX requests_by_time ON requests (time);
    """

  /// What all sessions together were allocated.
  private static let allocated = """
    ALTER TABLE totals ADD COLUMN allocated_memory_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE totals ADD COLUMN allocated_cpu_millicores INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE totals ADD COLUMN allocated_disk_bytes INTEGER NOT NULL DEFAULT 0;
    UPDATE totals SET
      allocated_memory_bytes = (SELECT coalesce(sum(memory_bytes), 0) FROM sessions),
      allocated_cpu_millicores = (SELECT coalesce(sum(cpu_millicores), 0) FROM sessions),
      allocated_disk_bytes = (SELECT coalesce(sum(disk_bytes), 0) FROM sessions);
    """

  private static let templates = """
    CREATE TABLE templates (
      name TEXT NOT NULL PRIMARY KEY,
      type INTEGER NOT NULL,
      metadata TEXT NOT NULL,
      capabilities TEXT NOT NULL,
      constraints TEXT NOT NULL,
      environment TEXT NOT NULL,
      create_time INTEGER NOT NULL
    );
    """

  /// Intervals are in nanoseconds. The places of targets that were deleted stay empty.
  private static let affinities = """
    CREATE TABLE affinities (
      session_id TEXT NOT NULL PRIMARY KEY,
      strategy INTEGER NOT NULL,
      health_check_interval INTEGER NOT NULL,
      update_time INTEGER NOT NULL
    );
    CREATE TABLE affinity_targets (
      session_id TEXT NOT NULL,
      place INTEGER NOT NULL,
      target_id TEXT NOT NULL,
      weight INTEGER NOT NULL,
      PRIMARY KEY (session_id, place)
    ) WITHOUT ROWID;
    CREATE INDEX affinity_targets_by_target ON affinity_targets (target_id);
    """

  /// Messages are numbered in the order in which they were sent, and leave their table when they are settled. Which are
  /// in delivery is not kept: after a restart all of them wait. The rowid ends every index, so that the messages of one
  /// receiver and priority are in order. A send that has a request id keeps there what it was answered.
  private static let messages = """
    CREATE TABLE messages (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      receiver_id TEXT NOT NULL,
      priority INTEGER NOT NULL,
      send_time INTEGER NOT NULL,
      expire_time INTEGER NOT NULL,
      delivery_attempt INTEGER NOT NULL,
      failures INTEGER NOT NULL,
      type TEXT NOT NULL,
      sender_id TEXT,
      correlation_id TEXT,
      payload BLOB
    );
    CREATE INDEX messages_by_receiver ON messages (receiver_id, priority);
    CREATE INDEX messages_by_expire_time ON messages (expire_time);
    CREATE TABLE dead_letters (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      receiver_id TEXT NOT NULL,
      priority INTEGER NOT NULL,
      send_time INTEGER NOT NULL,
      expire_time INTEGER NOT NULL,
      delivery_attempt INTEGER NOT NULL,
      type TEXT NOT NULL,
      sender_id TEXT,
      correlation_id TEXT,
      reason TEXT NOT NULL,
      time INTEGER NOT NULL,
      payload BLOB
    );
    CREATE INDEX dead_letters_by_receiver ON dead_letters (receiver_id);
    CREATE INDEX sessions_registered ON sessions (type, id, register_time)
      WHERE register_time IS NOT NULL;
    ALTER TABLE requests ADD COLUMN messages BLOB;
    """

  /// Pages of lists without sorting. The indexes of types and of statuses know both, each in one of the two orders that
  /// lists most often have: sessions of one type and status are together, and several are merged. They are as many as
  /// before: a create costs 1 microsecond more. Read backwards, they have ids backwards, too, so that sessions of the same
  /// moment are sorted; an index that counts backwards would spare that, and cost a create 1 microsecond more, as it grows
  /// where its pages split in the middle. What happened to one session is found by its id, for 2 microseconds a create; an
  /// index ends with the rowid, here the sequence.
  private static let lists = """
    DROP INDEX sessions_by_type;
    DROP INDEX sessions_by_status;
    DROP INDEX sessions_by_parent;
    CREATE INDEX sessions_by_type_and_create_time ON sessions (type, status, create_time, id);
    CREATE INDEX sessions_by_type_and_last_activity_time ON sessions (type, status, last_activity_time, id);
    CREATE INDEX sessions_by_parent ON sessions (parent_id, create_time, id) WHERE parent_id IS NOT NULL;
    CREATE INDEX events_by_session ON events (session_id);
    """

  /// What sessions reported, and how well they were at the last look. The uptime in the totals is that of the sessions
  /// that ended, less the start of each that has not, in seconds and what is left of them in microseconds: the times of
  /// very many sessions together are no 64-bit number of microseconds.
  private static let metrics = """
    CREATE TABLE session_metrics (
      session_id TEXT NOT NULL PRIMARY KEY,
      messages_processed INTEGER NOT NULL,
      tasks_processed INTEGER NOT NULL,
      memory_usage_bytes INTEGER NOT NULL,
      cpu_usage REAL NOT NULL,
      health INTEGER NOT NULL
    ) WITHOUT ROWID;
    ALTER TABLE totals ADD COLUMN tasks_processed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE totals ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE totals ADD COLUMN running INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE totals ADD COLUMN uptime_seconds INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE totals ADD COLUMN uptime_microseconds INTEGER NOT NULL DEFAULT 0;
    UPDATE totals SET (started, running, uptime_seconds, uptime_microseconds) = (
      SELECT count(*), count(*) - count(end_time),
        coalesce(sum(coalesce(end_time, 0) / 1000000 - start_time / 1000000), 0),
        coalesce(sum(coalesce(end_time, 0) % 1000000 - start_time % 1000000), 0)
      FROM sessions WHERE start_time IS NOT NULL);
    """
}
