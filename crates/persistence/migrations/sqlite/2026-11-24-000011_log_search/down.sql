DROP INDEX users_visible;
DROP INDEX provisioning_events_name;
CREATE INDEX provisioning_events_name ON provisioning_events (resource_key);
DROP INDEX provisioning_events_kind;
DROP INDEX provisioning_events_action;
DROP INDEX provisioning_events_rare;
CREATE INDEX provisioning_events_rare ON provisioning_events (outcome, id)
    WHERE outcome <> 'success';
