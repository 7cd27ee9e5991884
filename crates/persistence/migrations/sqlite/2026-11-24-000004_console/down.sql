DROP INDEX users_status;
DROP INDEX provisioning_events_request;
DROP INDEX provisioning_events_rare;
DROP INDEX provisioning_events_at;
DROP TABLE event_counts_end;
DROP TABLE event_counts;
ALTER TABLE provisioning_events DROP COLUMN request;
