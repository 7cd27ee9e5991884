-- A group whose members administer ServiceOps: no identity provider sees it.
ALTER TABLE groups ADD COLUMN confers_admin INTEGER NOT NULL DEFAULT 0;
-- What is out of sight is not counted among what a configuration sees.
DROP TRIGGER groups_counted_in;
DROP TRIGGER groups_counted_out;
DROP TRIGGER groups_counted_by_sight;
CREATE TRIGGER groups_counted_in AFTER INSERT ON groups WHEN NEW.managed_by IS NOT NULL AND NEW.confers_admin = 0
BEGIN
    INSERT INTO resource_totals VALUES (NEW.managed_by, 'groups', 1)
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER groups_counted_out AFTER DELETE ON groups WHEN OLD.managed_by IS NOT NULL AND OLD.confers_admin = 0
BEGIN
    INSERT INTO resource_totals VALUES (OLD.managed_by, 'groups', -1)
        ON CONFLICT DO UPDATE SET amount = amount - 1;
END;
CREATE TRIGGER groups_counted_by_sight AFTER UPDATE OF managed_by, confers_admin ON groups
WHEN OLD.managed_by IS NOT NEW.managed_by OR OLD.confers_admin <> NEW.confers_admin
BEGIN
    INSERT INTO resource_totals SELECT OLD.managed_by, 'groups', -1
        WHERE OLD.managed_by IS NOT NULL AND OLD.confers_admin = 0
        ON CONFLICT DO UPDATE SET amount = amount - 1;
    INSERT INTO resource_totals SELECT NEW.managed_by, 'groups', 1
        WHERE NEW.managed_by IS NOT NULL AND NEW.confers_admin = 0
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
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
