-- What people see who look into runs.
ALTER TABLE handlers ADD COLUMN waiting_for TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN input TEXT;           -- the start event's envelope
ALTER TABLE runs ADD COLUMN rerun_of TEXT;        -- the run_id of the run that it repeats or goes on from
ALTER TABLE runs ADD COLUMN rerun_after INTEGER;  -- the event behind which it goes on
ALTER TABLE events ADD COLUMN span INTEGER NOT NULL DEFAULT 0;       -- the piece of a step's work that it is about or comes from
ALTER TABLE events ADD COLUMN caused_by INTEGER NOT NULL DEFAULT 0;  -- the piece of work whose event began that one
ALTER TABLE events ADD COLUMN trace TEXT;         -- about a step's attempt

-- What a run's steps kept after an event: {"name": state}, or nothing when that was too large.
CREATE TABLE state_history (
  run      INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (run, sequence)
) WITHOUT ROWID;
