-- What was sent to a run, or in it, and nobody took.
ALTER TABLE handlers ADD COLUMN unhandled TEXT NOT NULL DEFAULT '';
ALTER TABLE idempotency_keys ADD COLUMN unhandled INTEGER NOT NULL DEFAULT 0;  -- the request sent such an event
