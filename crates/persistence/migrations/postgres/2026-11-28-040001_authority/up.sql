-- A word that is another one after every change of who may speak and by which rules: of tokens but
-- for what is noted of their use, of configurations, and of the revision of the custom fields. What
-- was read beside it holds for as long as it stands there. Triggers keep it, so that no way of
-- writing can forget to; at the commit, so that nobody waits who holds something else. There is one
-- row.
CREATE TABLE authority (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    state TEXT COLLATE "C" NOT NULL
);
INSERT INTO authority (one, state) VALUES (1, gen_random_uuid()::text);

CREATE FUNCTION change_authority() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE authority SET state = gen_random_uuid()::text WHERE one = 1;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER authority_of_tokens AFTER UPDATE ON access_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.configuration_id, OLD.hash, OLD.expires_at, OLD.revoked_at, OLD.replaced_by,
            OLD.retire_after, OLD.retire_at, OLD.first_used_at)
        IS DISTINCT FROM (NEW.configuration_id, NEW.hash, NEW.expires_at, NEW.revoked_at,
            NEW.replaced_by, NEW.retire_after, NEW.retire_at, NEW.first_used_at))
    EXECUTE FUNCTION change_authority();
CREATE CONSTRAINT TRIGGER authority_of_deleted_tokens AFTER DELETE ON access_tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION change_authority();
CREATE CONSTRAINT TRIGGER authority_of_configurations AFTER UPDATE ON provisioning_configurations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION change_authority();
CREATE CONSTRAINT TRIGGER authority_of_deleted_configurations
    AFTER DELETE ON provisioning_configurations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION change_authority();
CREATE CONSTRAINT TRIGGER authority_of_fields AFTER UPDATE ON field_catalog
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION change_authority();
