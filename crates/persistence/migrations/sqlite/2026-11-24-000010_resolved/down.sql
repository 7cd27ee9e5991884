DROP INDEX provisioning_events_resolved;
DROP INDEX provisioning_events_open;
DROP INDEX provisioning_events_failures;
ALTER TABLE provisioning_events DROP COLUMN detail;
ALTER TABLE provisioning_events DROP COLUMN resolved_by;
ALTER TABLE provisioning_events DROP COLUMN resolved_at;
