-- Whether what was before a run is not kept any more, or not all of it.
ALTER TABLE runs ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
