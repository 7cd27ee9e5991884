-- A group whose members administer ServiceOps: no identity provider sees it.
ALTER TABLE groups ADD COLUMN confers_admin INTEGER NOT NULL DEFAULT 0;
-- What is out of sight is not counted among what a configuration sees.
CREATE OR REPLACE FUNCTION count_groups_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, 'groups', count(*) FROM added
            WHERE managed_by IS NOT NULL AND confers_admin = 0 GROUP BY managed_by;
    PERFORM fold_resource_totals(managed_by) FROM added LIMIT 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION count_groups_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, 'groups', -count(*) FROM removed
            WHERE managed_by IS NOT NULL AND confers_admin = 0 GROUP BY managed_by;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION count_groups_by_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT OLD.managed_by, 'groups', -1 WHERE OLD.managed_by IS NOT NULL AND OLD.confers_admin = 0
        UNION ALL SELECT NEW.managed_by, 'groups', 1 WHERE NEW.managed_by IS NOT NULL AND NEW.confers_admin = 0;
    PERFORM fold_resource_totals(COALESCE(NEW.managed_by, OLD.managed_by));
    RETURN NULL;
END $$;
DROP TRIGGER groups_counted_by_sight ON groups;
CREATE TRIGGER groups_counted_by_sight AFTER UPDATE OF managed_by, confers_admin ON groups FOR EACH ROW
    WHEN (OLD.managed_by IS DISTINCT FROM NEW.managed_by OR OLD.confers_admin <> NEW.confers_admin)
    EXECUTE FUNCTION count_groups_by_sight();
-- What a configuration sees, to be gone through.
CREATE INDEX groups_visible ON groups (managed_by, id) WHERE confers_admin = 0;
CREATE INDEX groups_protected ON groups (name_key) WHERE confers_admin = 1;
-- Groups that are nobody's, which rules take over by name.
CREATE INDEX groups_by_hand ON groups (name_key) WHERE managed_by IS NULL;
-- Roles that administer ServiceOps: no rule can give them.
ALTER TABLE reference_values ADD COLUMN privileged INTEGER NOT NULL DEFAULT 0;
INSERT INTO reference_values (id, kind, name, name_key, privileged) VALUES
    ('role-super-admin', 'role', 'Super Admin', 'super admin', 1),
    ('role-super-administrator', 'role', 'Super Administrator', 'super administrator', 1),
    ('role-super-user', 'role', 'Super User', 'super user', 1),
    ('role-admin', 'role', 'Admin', 'admin', 1),
    ('role-administrator', 'role', 'Administrator', 'administrator', 1),
    ('role-tenant-admin', 'role', 'Tenant Admin', 'tenant admin', 1),
    ('role-tenant-administrator', 'role', 'Tenant Administrator', 'tenant administrator', 1),
    ('role-root', 'role', 'Root', 'root', 1)
ON CONFLICT (kind, name_key) DO UPDATE SET privileged = 1;
