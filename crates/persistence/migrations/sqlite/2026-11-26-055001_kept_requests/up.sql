-- Entries that still keep what their request said, so that the old ones are found.
CREATE INDEX provisioning_events_kept ON provisioning_events (at, id)
    WHERE request IS NOT NULL;
