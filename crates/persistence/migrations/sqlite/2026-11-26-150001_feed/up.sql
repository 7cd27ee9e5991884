-- Every change of a person, a group, a membership, a grant and a custom field, with the whole record
-- before and after. Triggers write it, so that no way of writing can forget to; what each row means
-- is decided where it is read. The id is the position of the feed: there is one writer at a time.
CREATE TABLE feed_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    resource_name TEXT,
    version BIGINT,
    old TEXT,
    new TEXT,
    actor TEXT,
    run TEXT
);
CREATE INDEX feed_changes_at ON feed_changes (at, id);

-- Where the positions of this database begin, up to where they are given, and up to where the rows
-- are gone. They begin with the second in which the database was made, so that two databases that
-- were made apart do not give the same one.
CREATE TABLE feed_state (
    epoch BIGINT NOT NULL,
    sequenced BIGINT NOT NULL,
    forgotten BIGINT NOT NULL
);
INSERT INTO feed_state SELECT e, e, e FROM (SELECT unixepoch() << 20 AS e);
INSERT INTO sqlite_sequence (name, seq) SELECT 'feed_changes', epoch FROM feed_state;

-- Receivers, and up to where each has what changed.
CREATE TABLE streams (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The topics that it is told of, with commas between; without any, of all.
    topics TEXT,
    key_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    position BIGINT NOT NULL,
    delivered_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The API key that made it, where that was one: it ends with it.
    made_by TEXT
);
CREATE UNIQUE INDEX streams_name ON streams (name_key);
CREATE UNIQUE INDEX streams_key ON streams (key_hash);

-- Who writes, for as long as a transaction does.
CREATE TABLE feed_author (
    actor TEXT,
    run TEXT
);

CREATE VIEW feed_users AS SELECT id, user_name AS name, version, json_object(
    'id', id, 'userName', user_name, 'firstName', first_name, 'lastName', last_name,
    'displayName', display_name, 'email', email, 'contactNo', contact_no,
    'altContactNo1', alt_contact_no1, 'altContactNo2', alt_contact_no2, 'jobTitle', job_title,
    'employeeId', employee_id, 'department', department, 'location', location, 'manager', manager,
    'managerId', manager_id, 'roles', json(roles), 'company', company, 'language', language,
    'timeZone', time_zone, 'userType', user_type, 'vip', json(iif(is_vip, 'true', 'false')),
    'customFields', json(custom_fields), 'status', status, 'externalId', external_id,
    'managedBy', managed_by, 'tenantAdmin', json(iif(is_tenant_admin, 'true', 'false')),
    'adminRole', admin_role) AS record FROM users;
CREATE VIEW feed_groups AS SELECT id, name, version, json_object(
    'id', id, 'name', name, 'kind', kind, 'externalId', external_id, 'managedBy', managed_by,
    'confersAdmin', json(iif(confers_admin, 'true', 'false'))) AS record FROM groups;
CREATE VIEW feed_memberships AS SELECT group_id || '/' || member_id AS id, group_id, member_id,
    json_object('group', group_id, 'member', member_id, 'type', member_kind) AS record
    FROM group_members;
CREATE VIEW feed_group_grants AS
    SELECT 'group/' || group_id || '/' || field || '/' || value AS id, group_id, field, value,
        json_object('group', group_id, 'user', NULL, 'field', field, 'value', value) AS record
    FROM group_grants;
CREATE VIEW feed_manual_grants AS
    SELECT 'user/' || user_id || '/' || field || '/' || value AS id, user_id, field, value,
        json_object('group', NULL, 'user', user_id, 'field', field, 'value', value) AS record
    FROM manual_grants;
CREATE VIEW feed_custom_fields AS SELECT field_key AS id, json(definition) AS record
    FROM custom_fields;

CREATE TRIGGER users_fed_in AFTER INSERT ON users BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'user', id, name, version, NULL,
            record, (SELECT actor FROM feed_author), (SELECT run FROM feed_author)
        FROM feed_users WHERE id = NEW.id;
END;
CREATE TRIGGER users_fed_over AFTER UPDATE ON users
WHEN (
    OLD.user_name, OLD.first_name, OLD.last_name, OLD.display_name, OLD.email, OLD.contact_no,
    OLD.alt_contact_no1, OLD.alt_contact_no2, OLD.job_title, OLD.employee_id, OLD.department,
    OLD.location, OLD.manager, OLD.manager_id, OLD.roles, OLD.company, OLD.language, OLD.time_zone,
    OLD.user_type, OLD.is_vip, OLD.custom_fields, OLD.status, OLD.external_id, OLD.managed_by,
    OLD.is_tenant_admin, OLD.admin_role)
    IS NOT (
    NEW.user_name, NEW.first_name, NEW.last_name, NEW.display_name, NEW.email, NEW.contact_no,
    NEW.alt_contact_no1, NEW.alt_contact_no2, NEW.job_title, NEW.employee_id, NEW.department,
    NEW.location, NEW.manager, NEW.manager_id, NEW.roles, NEW.company, NEW.language, NEW.time_zone,
    NEW.user_type, NEW.is_vip, NEW.custom_fields, NEW.status, NEW.external_id, NEW.managed_by,
    NEW.is_tenant_admin, NEW.admin_role)
BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'user', id, name, version,
            json_object(
            'id', OLD.id, 'userName', OLD.user_name, 'firstName', OLD.first_name,
            'lastName', OLD.last_name, 'displayName', OLD.display_name, 'email', OLD.email,
            'contactNo', OLD.contact_no, 'altContactNo1', OLD.alt_contact_no1,
            'altContactNo2', OLD.alt_contact_no2, 'jobTitle', OLD.job_title,
            'employeeId', OLD.employee_id, 'department', OLD.department, 'location', OLD.location,
            'manager', OLD.manager, 'managerId', OLD.manager_id, 'roles', json(OLD.roles),
            'company', OLD.company, 'language', OLD.language, 'timeZone', OLD.time_zone,
            'userType', OLD.user_type, 'vip', json(iif(OLD.is_vip, 'true', 'false')),
            'customFields', json(OLD.custom_fields), 'status', OLD.status,
            'externalId', OLD.external_id, 'managedBy', OLD.managed_by,
            'tenantAdmin', json(iif(OLD.is_tenant_admin, 'true', 'false')),
            'adminRole', OLD.admin_role),
            record, (SELECT actor FROM feed_author), (SELECT run FROM feed_author)
        FROM feed_users WHERE id = NEW.id;
END;
CREATE TRIGGER users_fed_out BEFORE DELETE ON users BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'user', id, name, version, record,
            NULL, (SELECT actor FROM feed_author), (SELECT run FROM feed_author)
        FROM feed_users WHERE id = OLD.id;
END;

CREATE TRIGGER groups_fed_in AFTER INSERT ON groups BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'group', id, name, version, NULL,
            record, (SELECT actor FROM feed_author), (SELECT run FROM feed_author)
        FROM feed_groups WHERE id = NEW.id;
END;
CREATE TRIGGER groups_fed_over AFTER UPDATE ON groups
WHEN (
    OLD.name, OLD.kind, OLD.external_id, OLD.managed_by, OLD.confers_admin)
    IS NOT (
    NEW.name, NEW.kind, NEW.external_id, NEW.managed_by, NEW.confers_admin)
BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'group', id, name, version,
            json_object(
            'id', OLD.id, 'name', OLD.name, 'kind', OLD.kind, 'externalId', OLD.external_id,
            'managedBy', OLD.managed_by,
            'confersAdmin', json(iif(OLD.confers_admin, 'true', 'false'))),
            record, (SELECT actor FROM feed_author), (SELECT run FROM feed_author)
        FROM feed_groups WHERE id = NEW.id;
END;
CREATE TRIGGER groups_fed_out BEFORE DELETE ON groups BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'group', id, name, version, record,
            NULL, (SELECT actor FROM feed_author), (SELECT run FROM feed_author)
        FROM feed_groups WHERE id = OLD.id;
END;

-- Whom a group or a person takes along when it goes is not said again.
CREATE TRIGGER group_members_fed_in AFTER INSERT ON group_members BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'membership', NEW.group_id || '/' || NEW.member_id, NULL, NULL,
            NULL,
            json_object('group', NEW.group_id, 'member', NEW.member_id, 'type', NEW.member_kind),
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER group_members_fed_out AFTER DELETE ON group_members
WHEN EXISTS (SELECT 1 FROM groups p WHERE p.id = OLD.group_id) BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'membership', OLD.group_id || '/' || OLD.member_id, NULL, NULL,
            json_object('group', OLD.group_id, 'member', OLD.member_id, 'type', OLD.member_kind),
            NULL,
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER group_grants_fed_in AFTER INSERT ON group_grants BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'grant', 'group/' || NEW.group_id || '/' || NEW.field || '/' || NEW.value, NULL, NULL,
            NULL,
            json_object('group', NEW.group_id, 'user', NULL, 'field', NEW.field, 'value', NEW.value),
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER group_grants_fed_out AFTER DELETE ON group_grants
WHEN EXISTS (SELECT 1 FROM groups p WHERE p.id = OLD.group_id) BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'grant', 'group/' || OLD.group_id || '/' || OLD.field || '/' || OLD.value, NULL, NULL,
            json_object('group', OLD.group_id, 'user', NULL, 'field', OLD.field, 'value', OLD.value),
            NULL,
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER manual_grants_fed_in AFTER INSERT ON manual_grants BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'grant', 'user/' || NEW.user_id || '/' || NEW.field || '/' || NEW.value, NULL, NULL,
            NULL,
            json_object('group', NULL, 'user', NEW.user_id, 'field', NEW.field, 'value', NEW.value),
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER manual_grants_fed_out AFTER DELETE ON manual_grants
WHEN EXISTS (SELECT 1 FROM users p WHERE p.id = OLD.user_id) BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'grant', 'user/' || OLD.user_id || '/' || OLD.field || '/' || OLD.value, NULL, NULL,
            json_object('group', NULL, 'user', OLD.user_id, 'field', OLD.field, 'value', OLD.value),
            NULL,
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER custom_fields_fed_in AFTER INSERT ON custom_fields BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'custom_field', NEW.field_key, NULL, NULL,
            NULL,
            NEW.definition,
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER custom_fields_fed_out AFTER DELETE ON custom_fields BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'custom_field', OLD.field_key, NULL, NULL,
            OLD.definition,
            NULL,
            (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
CREATE TRIGGER custom_fields_fed_over AFTER UPDATE ON custom_fields
WHEN OLD.definition IS NOT NEW.definition
BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'custom_field', NEW.field_key, NULL, NULL,
            OLD.definition, NEW.definition, (SELECT actor FROM feed_author), (SELECT run FROM feed_author));
END;
