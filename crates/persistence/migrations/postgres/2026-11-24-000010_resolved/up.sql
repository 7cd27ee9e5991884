-- Which failures and warnings an administrator has dealt with, and who.
ALTER TABLE provisioning_events ADD COLUMN resolved_at BIGINT;
ALTER TABLE provisioning_events ADD COLUMN resolved_by TEXT;
-- What the client was told of an error; the reason may say more.
ALTER TABLE provisioning_events ADD COLUMN detail TEXT;
-- What is open, the newest first: failures alone, and with the warnings.
CREATE INDEX provisioning_events_failures ON provisioning_events (id)
    WHERE outcome = 'failure' AND resolved_at IS NULL;
CREATE INDEX provisioning_events_open ON provisioning_events (id)
    WHERE outcome IN ('failure', 'warning') AND resolved_at IS NULL;
CREATE INDEX provisioning_events_resolved ON provisioning_events (id)
    WHERE resolved_at IS NOT NULL;
