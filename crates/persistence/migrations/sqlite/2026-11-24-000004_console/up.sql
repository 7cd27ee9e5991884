-- The request as it was sent, without secrets.
ALTER TABLE provisioning_events ADD COLUMN request TEXT;
-- How many entries of an hour ended in which way, for hours that are over.
CREATE TABLE event_counts (
    configuration_id TEXT NOT NULL,
    hour BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    entries BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, hour, outcome)
);
CREATE TABLE event_counts_end (
    counted_until BIGINT NOT NULL
);
INSERT INTO event_counts_end (counted_until) VALUES (0);
CREATE INDEX event_counts_hour ON event_counts (hour);
CREATE INDEX provisioning_events_at ON provisioning_events (at, configuration_id, outcome);
CREATE INDEX provisioning_events_rare ON provisioning_events (outcome, id)
    WHERE outcome <> 'success';
CREATE INDEX provisioning_events_request ON provisioning_events (request_id);
-- The name of a resource, folded by the application, by which entries are found.
ALTER TABLE provisioning_events ADD COLUMN resource_key TEXT;
UPDATE provisioning_events SET resource_key = lower(resource_name);
CREATE INDEX provisioning_events_name ON provisioning_events (resource_key);
-- What a search for users reads.
CREATE INDEX users_search ON users (id, user_name_key, display_key, email_key);
CREATE INDEX users_status ON users (managed_by, status);
-- Who signs in by an OpenID provider.
ALTER TABLE accounts ADD COLUMN issuer TEXT;
ALTER TABLE accounts ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX accounts_subject ON accounts (issuer, subject) WHERE subject IS NOT NULL;
