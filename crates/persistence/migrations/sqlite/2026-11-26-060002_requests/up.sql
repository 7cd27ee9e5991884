-- Open failures by what they are about, so that a later success closes them. The key is an
-- expression, so that no other index of open failures can be taken for these look-ups.
CREATE INDEX provisioning_events_failed_id ON provisioning_events ((
    CASE WHEN outcome = 'failure' AND resolved_at IS NULL THEN resource_id END
)) WHERE (CASE WHEN outcome = 'failure' AND resolved_at IS NULL THEN resource_id END) IS NOT NULL;
CREATE INDEX provisioning_events_failed_name ON provisioning_events ((
    CASE WHEN outcome = 'failure' AND resolved_at IS NULL AND resource_id IS NULL
    THEN resource_key END
)) WHERE (CASE WHEN outcome = 'failure' AND resolved_at IS NULL AND resource_id IS NULL
    THEN resource_key END) IS NOT NULL;
-- How many requests came, reads included, by hour and by how they were answered.
CREATE TABLE request_counts (
    configuration_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, hour, outcome)
);
CREATE INDEX request_counts_hour ON request_counts (hour);
