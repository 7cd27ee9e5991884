ALTER TABLE provisioning_events DROP COLUMN occurrences;
ALTER TABLE provisioning_events DROP COLUMN actor;
ALTER TABLE provisioning_events DROP COLUMN cause;
ALTER TABLE provisioning_events DROP COLUMN stage;
