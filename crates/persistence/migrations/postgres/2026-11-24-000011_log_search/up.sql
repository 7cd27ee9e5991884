-- A page of the log is found in an index alone, whatever filters are set: by what is rare, by what
-- is not an update, by what is not a user, and by how a name begins.
DROP INDEX provisioning_events_rare;
CREATE INDEX provisioning_events_rare ON provisioning_events
    (outcome, id, action, resource_type, configuration_id, at, resource_key)
    WHERE outcome <> 'success';
CREATE INDEX provisioning_events_action ON provisioning_events
    (action, id, outcome, resource_type, configuration_id, at, resource_key)
    WHERE action <> 'update';
CREATE INDEX provisioning_events_kind ON provisioning_events
    (resource_type, id, outcome, action, configuration_id, at, resource_key)
    WHERE resource_type <> 'User';
DROP INDEX provisioning_events_name;
CREATE INDEX provisioning_events_name ON provisioning_events
    (resource_key, id, configuration_id, at, outcome, action, resource_type);
-- Whom a configuration sees, to be counted and gone through.
CREATE INDEX users_visible ON users (managed_by, id)
    WHERE is_tenant_admin = 0 AND left_at IS NULL;
