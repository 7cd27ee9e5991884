-- Pages of users: by id, by userName, by lastModified and by displayName. They hold those who left as
-- well: an index that says whom it holds looks next to empty to a planner without statistics, which
-- then takes it for everything.
DROP INDEX users_visible;
DROP INDEX users_managed;
CREATE INDEX users_visible ON users (managed_by, id) INCLUDE (is_tenant_admin, left_at);
CREATE INDEX users_by_name ON users (managed_by, scim_user_name_key, id)
    INCLUDE (is_tenant_admin, left_at);
DROP INDEX users_modified;
CREATE INDEX users_by_modified ON users (managed_by, updated_at, id)
    INCLUDE (is_tenant_admin, left_at);
CREATE INDEX users_by_display ON users (
    managed_by, ((search_document #>> ARRAY['displayName']) COLLATE "C"), id)
    INCLUDE (is_tenant_admin, left_at);
CREATE INDEX groups_by_modified ON groups (managed_by, updated_at, id);
-- What it counted is kept.
DROP INDEX users_status;
-- Look-ups by a key begin with the key, so that none begins with everybody of a configuration. Who
-- left is unique by the id.
DROP INDEX users_scim_user_name;
CREATE UNIQUE INDEX users_scim_user_name
    ON users (scim_user_name_key, managed_by, (CASE WHEN left_at IS NULL THEN '' ELSE id END));
DROP INDEX users_external_id;
CREATE UNIQUE INDEX users_external_id
    ON users (external_id, managed_by, (CASE WHEN left_at IS NULL THEN '' ELSE id END))
    WHERE external_id IS NOT NULL;
DROP INDEX groups_scim_name;
CREATE UNIQUE INDEX groups_scim_name ON groups (scim_name_key, managed_by);
CREATE INDEX groups_by_name ON groups (managed_by, scim_name_key, id);
DROP INDEX groups_external_id;
CREATE UNIQUE INDEX groups_external_id ON groups (external_id, managed_by)
    WHERE external_id IS NOT NULL;
