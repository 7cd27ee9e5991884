DROP TABLE awaited_members;
DELETE FROM group_members WHERE held_id IS NOT NULL;
DROP INDEX group_members_held;
ALTER TABLE group_members DROP COLUMN held_at;
ALTER TABLE group_members DROP COLUMN held_by;
ALTER TABLE group_members DROP COLUMN held_id;
DROP INDEX groups_external;
DROP INDEX users_external;
CREATE INDEX groups_external_id ON groups (external_id, managed_by) WHERE external_id IS NOT NULL;
CREATE INDEX users_external_id ON users (external_id, managed_by)
    WHERE left_at IS NULL AND external_id IS NOT NULL;
