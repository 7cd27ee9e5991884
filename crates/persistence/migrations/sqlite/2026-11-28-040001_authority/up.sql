-- A word that is another one after every change of who may speak and by which rules: of tokens but
-- for what is noted of their use, of configurations, and of the revision of the custom fields. What
-- was read beside it holds for as long as it stands there. Triggers keep it, so that no way of
-- writing can forget to. There is one row.
CREATE TABLE authority (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL
);
INSERT INTO authority (one, state) VALUES (1, lower(hex(randomblob(16))));

CREATE TRIGGER authority_of_tokens AFTER UPDATE ON access_tokens
WHEN (OLD.configuration_id, OLD.hash, OLD.expires_at, OLD.revoked_at, OLD.replaced_by,
        OLD.retire_after, OLD.retire_at, OLD.first_used_at)
    IS NOT (NEW.configuration_id, NEW.hash, NEW.expires_at, NEW.revoked_at, NEW.replaced_by,
        NEW.retire_after, NEW.retire_at, NEW.first_used_at)
BEGIN
    UPDATE authority SET state = lower(hex(randomblob(16)));
END;
CREATE TRIGGER authority_of_deleted_tokens AFTER DELETE ON access_tokens
BEGIN
    UPDATE authority SET state = lower(hex(randomblob(16)));
END;
CREATE TRIGGER authority_of_configurations AFTER UPDATE ON provisioning_configurations
WHEN (OLD.name, OLD.enabled, OLD.paused, OLD.users, OLD.groups, OLD.identity_provider, OLD.profile,
        OLD.policies, OLD.networks, OLD.guard_reset_at, OLD.user_mapping, OLD.group_mapping,
        OLD.version)
    IS NOT (NEW.name, NEW.enabled, NEW.paused, NEW.users, NEW.groups, NEW.identity_provider,
        NEW.profile, NEW.policies, NEW.networks, NEW.guard_reset_at, NEW.user_mapping,
        NEW.group_mapping, NEW.version)
BEGIN
    UPDATE authority SET state = lower(hex(randomblob(16)));
END;
CREATE TRIGGER authority_of_deleted_configurations AFTER DELETE ON provisioning_configurations
BEGIN
    UPDATE authority SET state = lower(hex(randomblob(16)));
END;
CREATE TRIGGER authority_of_fields AFTER UPDATE ON field_catalog
BEGIN
    UPDATE authority SET state = lower(hex(randomblob(16)));
END;
