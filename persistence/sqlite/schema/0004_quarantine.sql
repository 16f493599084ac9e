-- Runs that the process dies of are told from those that were only interrupted.
ALTER TABLE handlers ADD COLUMN resumes INTEGER NOT NULL DEFAULT 0;      -- in a row, after the process had died, without getting further
ALTER TABLE handlers ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;  -- set aside because of that

CREATE TABLE process (
  only    INTEGER PRIMARY KEY CHECK (only = 1),
  at_work INTEGER NOT NULL  -- 0: the last process has left the file in order
);
INSERT INTO process (only, at_work) VALUES (1, 0);
