-- Handlers and runs go by integers inside the file: rows that are written often stay small, and appending stays fast.
CREATE TABLE handlers (
  handler           INTEGER PRIMARY KEY,
  handler_id        TEXT NOT NULL UNIQUE,
  workflow_name     TEXT NOT NULL,
  workflow_version  TEXT NOT NULL,
  workflow_graph    TEXT NOT NULL,
  parent_handler_id TEXT NOT NULL,
  run_id            TEXT NOT NULL,
  status            INTEGER NOT NULL,
  error             TEXT NOT NULL,
  result            TEXT NOT NULL,
  started_at        INTEGER NOT NULL,  -- microseconds since 1970, UTC, like all times
  updated_at        INTEGER NOT NULL,
  completed_at      INTEGER
);
CREATE INDEX handlers_by_status ON handlers (status);
CREATE INDEX handlers_by_parent ON handlers (parent_handler_id) WHERE parent_handler_id <> '';

CREATE TABLE runs (
  run                INTEGER PRIMARY KEY,
  run_id             TEXT NOT NULL UNIQUE,
  handler            INTEGER NOT NULL REFERENCES handlers ON DELETE CASCADE,
  first_read_claimed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_by_handler ON runs (handler);

CREATE TABLE events (
  run      INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  internal INTEGER NOT NULL,
  terminal INTEGER NOT NULL,
  body     TEXT NOT NULL,
  UNIQUE (run, sequence)
);

CREATE TABLE ticks (
  run      INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  body     TEXT NOT NULL,
  UNIQUE (run, sequence)
);

CREATE TABLE states (
  handler INTEGER NOT NULL REFERENCES handlers ON DELETE CASCADE,
  name    TEXT NOT NULL,
  body    TEXT NOT NULL,
  PRIMARY KEY (handler, name)
) WITHOUT ROWID;
