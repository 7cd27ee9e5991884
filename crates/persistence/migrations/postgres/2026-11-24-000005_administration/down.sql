ALTER TABLE api_keys DROP COLUMN made_by;
ALTER TABLE audit_chain DROP COLUMN unchained;
DROP INDEX users_search;
CREATE INDEX users_search ON users (id, user_name_key, display_key, email_key);
DROP INDEX audit_events_configuration;
ALTER TABLE audit_events DROP COLUMN configuration_id;
ALTER TABLE provisioning_configurations DROP COLUMN networks;
ALTER TABLE provisioning_configurations DROP COLUMN paused;
