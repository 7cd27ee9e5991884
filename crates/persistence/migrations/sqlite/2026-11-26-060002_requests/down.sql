DROP TABLE request_counts;
DROP INDEX provisioning_events_failed_name;
DROP INDEX provisioning_events_failed_id;
