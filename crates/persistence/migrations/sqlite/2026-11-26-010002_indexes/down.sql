DROP INDEX groups_external_id;
CREATE UNIQUE INDEX groups_external_id ON groups (managed_by, external_id)
    WHERE external_id IS NOT NULL;
DROP INDEX groups_by_name;
DROP INDEX users_held;
DROP INDEX groups_scim_name;
CREATE UNIQUE INDEX groups_scim_name ON groups (managed_by, scim_name_key);
DROP INDEX users_external_id;
CREATE UNIQUE INDEX users_external_id ON users (managed_by, external_id)
    WHERE left_at IS NULL AND external_id IS NOT NULL;
DROP INDEX users_scim_user_name;
CREATE UNIQUE INDEX users_scim_user_name ON users (managed_by, scim_user_name_key)
    WHERE left_at IS NULL;
CREATE INDEX users_status ON users (managed_by, status);
DROP INDEX groups_by_modified;
DROP INDEX users_by_display;
DROP INDEX users_by_modified;
CREATE INDEX users_modified ON users (managed_by, updated_at, id);
DROP INDEX users_by_name;
DROP INDEX users_visible;
CREATE INDEX users_visible ON users (managed_by, id)
    WHERE is_tenant_admin = 0 AND left_at IS NULL;
