-- Pages of users: by id, by userName, by lastModified and by displayName. Each holds all that tells
-- which users a page is of, so that no other row is read.
DROP INDEX users_visible;
CREATE INDEX users_visible ON users (managed_by, id, is_tenant_admin, left_at)
    WHERE is_tenant_admin = 0 AND left_at IS NULL;
CREATE INDEX users_by_name ON users (managed_by, scim_user_name_key, id, is_tenant_admin, left_at)
    WHERE is_tenant_admin = 0 AND left_at IS NULL;
DROP INDEX users_modified;
CREATE INDEX users_by_modified ON users (managed_by, updated_at, id, is_tenant_admin, left_at)
    WHERE is_tenant_admin = 0 AND left_at IS NULL;
CREATE INDEX users_by_display ON users (
    managed_by,
    (CAST(json_extract(search_document, '$."displayName"') AS TEXT) IS NULL),
    CAST(json_extract(search_document, '$."displayName"') AS TEXT),
    id, is_tenant_admin, left_at)
    WHERE is_tenant_admin = 0 AND left_at IS NULL;
CREATE INDEX groups_by_modified ON groups (managed_by, updated_at, id);
-- What it counted is kept.
DROP INDEX users_status;
-- Look-ups by a key begin with the key, so that none begins with everybody of a configuration.
DROP INDEX users_scim_user_name;
CREATE UNIQUE INDEX users_scim_user_name ON users (scim_user_name_key, managed_by)
    WHERE left_at IS NULL;
DROP INDEX users_external_id;
CREATE UNIQUE INDEX users_external_id ON users (external_id, managed_by)
    WHERE left_at IS NULL AND external_id IS NOT NULL;
-- Whose leaving is held is looked for as well.
CREATE INDEX users_held ON users (external_id, managed_by) WHERE held = 1;
DROP INDEX groups_scim_name;
CREATE UNIQUE INDEX groups_scim_name ON groups (scim_name_key, managed_by);
CREATE INDEX groups_by_name ON groups (managed_by, scim_name_key, id);
DROP INDEX groups_external_id;
CREATE UNIQUE INDEX groups_external_id ON groups (external_id, managed_by)
    WHERE external_id IS NOT NULL;
