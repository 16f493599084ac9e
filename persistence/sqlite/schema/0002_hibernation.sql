-- Runs that wait are known without reading their journals, and journals begin with a snapshot.
ALTER TABLE handlers ADD COLUMN idle_since INTEGER;
ALTER TABLE handlers ADD COLUMN wake_at INTEGER;
DROP INDEX handlers_by_status;
CREATE INDEX handlers_by_status ON handlers (status, idle_since);
CREATE INDEX handlers_by_wake ON handlers (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX handlers_by_end ON handlers (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE snapshots (
  run      INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,  -- of the last tick it stands for
  body     TEXT NOT NULL
);

-- What the handler was when an earlier run of it ended; null in its present run.
ALTER TABLE runs ADD COLUMN workflow_name TEXT;
ALTER TABLE runs ADD COLUMN workflow_version TEXT;
ALTER TABLE runs ADD COLUMN status INTEGER;
ALTER TABLE runs ADD COLUMN error TEXT;
ALTER TABLE runs ADD COLUMN result TEXT;
ALTER TABLE runs ADD COLUMN started_at INTEGER;
ALTER TABLE runs ADD COLUMN updated_at INTEGER;
ALTER TABLE runs ADD COLUMN completed_at INTEGER;
CREATE INDEX runs_by_end ON runs (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE idempotency_keys (
  key         TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,  -- of the request
  run         INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_run ON idempotency_keys (run);
