-- Whether the identity provider is told to come back later.
ALTER TABLE provisioning_configurations ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
-- The networks from which its tokens are accepted, as a JSON array; from everywhere when empty.
ALTER TABLE provisioning_configurations ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
-- The configuration whose history an entry of the audit belongs to; the entry outlives it.
ALTER TABLE audit_events ADD COLUMN configuration_id TEXT;
CREATE INDEX audit_events_configuration ON audit_events (configuration_id, id)
    WHERE configuration_id IS NOT NULL;
-- What a search for users reads, with its filters.
DROP INDEX users_search;
CREATE INDEX users_search
    ON users (id, user_name_key, display_key, email_key, status, managed_by, user_type);
-- How many entries are older than the chain; another number of them was put in.
ALTER TABLE audit_chain ADD COLUMN unchained BIGINT NOT NULL DEFAULT 0;
UPDATE audit_chain SET unchained = (SELECT count(*) FROM audit_events WHERE hash IS NULL);
-- The key that made a key by the admin API: with it the other one is revoked.
ALTER TABLE api_keys ADD COLUMN made_by TEXT;
