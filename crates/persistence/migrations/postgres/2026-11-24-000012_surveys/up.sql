-- What is counted over all users of a configuration, in the background.
CREATE TABLE surveys (
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    -- When it was done; what came of it stays until the next one is.
    done_at BIGINT,
    result TEXT,
    claimed_until BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, kind)
);
CREATE INDEX surveys_open ON surveys (asked_at) WHERE done_at IS NULL;
