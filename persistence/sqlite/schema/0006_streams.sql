-- The sequence of events goes on over the runs of a handler, and what a run leaves behind is bounded.
ALTER TABLE handlers ADD COLUMN first_sequence INTEGER NOT NULL DEFAULT 0;  -- of the present run's first event
ALTER TABLE handlers ADD COLUMN budgets_exceeded TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN first_sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 0;    -- events below that are forgotten
ALTER TABLE runs ADD COLUMN state_bytes INTEGER NOT NULL DEFAULT 0;  -- what its state_history counts for
UPDATE runs SET state_bytes = (SELECT coalesce(sum(length(CAST(body AS BLOB)) + 64), 0) FROM state_history h WHERE h.run = runs.run);
