-- externalId is the client's (RFC 7643 section 3.1): two may have the same.
DROP INDEX users_external_id;
DROP INDEX groups_external_id;
CREATE INDEX users_external ON users (external_id, managed_by) WHERE external_id IS NOT NULL;
CREATE INDEX groups_external ON groups (external_id, managed_by) WHERE external_id IS NOT NULL;

-- The id of a membership that the guard holds, and the configuration: its identity provider ended it, and sees it no
-- more; the member keeps what it gives until an administrator decides.
ALTER TABLE group_members ADD COLUMN held_id TEXT COLLATE "C";
ALTER TABLE group_members ADD COLUMN held_by TEXT COLLATE "C";
ALTER TABLE group_members ADD COLUMN held_at BIGINT;
CREATE INDEX group_members_held ON group_members (held_by, held_id) WHERE held_by IS NOT NULL;

-- Members that a request named and nobody saw: who comes back joins.
CREATE TABLE awaited_members (
    group_id TEXT COLLATE "C" NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    member_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX awaited_members_member ON awaited_members (member_id);
