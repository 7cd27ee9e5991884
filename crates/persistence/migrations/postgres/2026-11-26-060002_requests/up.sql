-- Open failures by what they are about, so that a later success closes them.
CREATE INDEX provisioning_events_failed_id ON provisioning_events (resource_id)
    WHERE outcome = 'failure' AND resolved_at IS NULL;
CREATE INDEX provisioning_events_failed_name ON provisioning_events (resource_key)
    WHERE outcome = 'failure' AND resolved_at IS NULL AND resource_id IS NULL;
-- How many requests came, reads included, by hour and by how they were answered.
CREATE TABLE request_counts (
    configuration_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, hour, outcome)
);
CREATE INDEX request_counts_hour ON request_counts (hour);
