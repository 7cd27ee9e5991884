-- Every change of a person, a group, a membership, a grant and a custom field, with the whole record
-- before and after. Triggers write it, so that no way of writing can forget to; what each row means
-- is decided where it is read. A row gets its position from whoever reads, when it is committed: ids
-- are given before.
CREATE TABLE feed_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position BIGINT,
    at BIGINT NOT NULL DEFAULT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint),
    subject TEXT NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    resource_name TEXT,
    version BIGINT,
    old TEXT,
    new TEXT,
    actor TEXT DEFAULT NULLIF(current_setting('serviceops_scim.actor', true), ''),
    run TEXT DEFAULT NULLIF(current_setting('serviceops_scim.run', true), '')
);
CREATE UNIQUE INDEX feed_changes_position ON feed_changes (position) WHERE position IS NOT NULL;
CREATE INDEX feed_changes_waiting ON feed_changes (id) WHERE position IS NULL;
CREATE INDEX feed_changes_at ON feed_changes (at, position);

-- Where the positions of this database begin, up to where they are given, and up to where the rows
-- are gone. They begin with the second in which the database was made, so that two databases that
-- were made apart do not give the same one.
CREATE TABLE feed_state (
    epoch BIGINT NOT NULL,
    sequenced BIGINT NOT NULL,
    forgotten BIGINT NOT NULL
);
INSERT INTO feed_state
    SELECT e, e, e FROM (SELECT CAST(extract(epoch FROM now()) AS bigint) << 20 AS e) AS began;

-- Receivers, and up to where each has what changed.
CREATE TABLE streams (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    -- The topics that it is told of, with commas between; without any, of all.
    topics TEXT,
    key_hash TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    position BIGINT NOT NULL,
    delivered_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The API key that made it, where that was one: it ends with it.
    made_by TEXT COLLATE "C"
);
CREATE UNIQUE INDEX streams_name ON streams (name_key);
CREATE UNIQUE INDEX streams_key ON streams (key_hash);

CREATE FUNCTION feed_user(r users) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', r.id, 'userName', r.user_name, 'firstName', r.first_name, 'lastName', r.last_name,
        'displayName', r.display_name, 'email', r.email, 'contactNo', r.contact_no,
        'altContactNo1', r.alt_contact_no1, 'altContactNo2', r.alt_contact_no2,
        'jobTitle', r.job_title, 'employeeId', r.employee_id, 'department', r.department,
        'location', r.location, 'manager', r.manager, 'managerId', r.manager_id,
        'roles', r.roles::json, 'company', r.company, 'language', r.language,
        'timeZone', r.time_zone, 'userType', r.user_type, 'vip', r.is_vip <> 0,
        'customFields', r.custom_fields::json, 'status', r.status, 'externalId', r.external_id,
        'managedBy', r.managed_by, 'tenantAdmin', r.is_tenant_admin <> 0, 'adminRole', r.admin_role)::text
$$;
CREATE FUNCTION feed_group(r groups) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', r.id, 'name', r.name, 'kind', r.kind, 'externalId', r.external_id,
        'managedBy', r.managed_by, 'confersAdmin', r.confers_admin <> 0)::text
$$;

CREATE VIEW feed_users AS SELECT id, user_name AS name, version, feed_user(users) AS record FROM users;
CREATE VIEW feed_groups AS SELECT id, name, version, feed_group(groups) AS record FROM groups;
CREATE VIEW feed_memberships AS SELECT group_id || '/' || member_id AS id, group_id, member_id,
    json_build_object('group', group_id, 'member', member_id, 'type', member_kind)::text AS record
    FROM group_members;
CREATE VIEW feed_group_grants AS
    SELECT 'group/' || group_id || '/' || field || '/' || value AS id, group_id, field, value,
        json_build_object('group', group_id, 'user', NULL, 'field', field, 'value', value)::text
            AS record
    FROM group_grants;
CREATE VIEW feed_manual_grants AS
    SELECT 'user/' || user_id || '/' || field || '/' || value AS id, user_id, field, value,
        json_build_object('group', NULL, 'user', user_id, 'field', field, 'value', value)::text
            AS record
    FROM manual_grants;
CREATE VIEW feed_custom_fields AS SELECT field_key AS id, definition AS record FROM custom_fields;

CREATE FUNCTION feed_users_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        SELECT 'user', r.id, r.user_name, r.version, NULL, feed_user(CAST(ROW(r.*) AS users)) FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER users_fed_in AFTER INSERT ON users
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION feed_users_in();

CREATE FUNCTION feed_users_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        VALUES ('user', NEW.id, NEW.user_name, NEW.version, feed_user(OLD), feed_user(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER users_fed_over AFTER UPDATE ON users FOR EACH ROW
    WHEN ((
        OLD.user_name, OLD.first_name, OLD.last_name, OLD.display_name, OLD.email, OLD.contact_no,
        OLD.alt_contact_no1, OLD.alt_contact_no2, OLD.job_title, OLD.employee_id, OLD.department,
        OLD.location, OLD.manager, OLD.manager_id, OLD.roles, OLD.company, OLD.language,
        OLD.time_zone, OLD.user_type, OLD.is_vip, OLD.custom_fields, OLD.status, OLD.external_id,
        OLD.managed_by, OLD.is_tenant_admin, OLD.admin_role)
        IS DISTINCT FROM (
        NEW.user_name, NEW.first_name, NEW.last_name, NEW.display_name, NEW.email, NEW.contact_no,
        NEW.alt_contact_no1, NEW.alt_contact_no2, NEW.job_title, NEW.employee_id, NEW.department,
        NEW.location, NEW.manager, NEW.manager_id, NEW.roles, NEW.company, NEW.language,
        NEW.time_zone, NEW.user_type, NEW.is_vip, NEW.custom_fields, NEW.status, NEW.external_id,
        NEW.managed_by, NEW.is_tenant_admin, NEW.admin_role))
    EXECUTE FUNCTION feed_users_over();

CREATE FUNCTION feed_users_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        SELECT 'user', r.id, r.user_name, r.version, feed_user(CAST(ROW(r.*) AS users)), NULL FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER users_fed_out AFTER DELETE ON users
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION feed_users_out();

CREATE FUNCTION feed_groups_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        SELECT 'group', r.id, r.name, r.version, NULL, feed_group(CAST(ROW(r.*) AS groups)) FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER groups_fed_in AFTER INSERT ON groups
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION feed_groups_in();

CREATE FUNCTION feed_groups_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        VALUES ('group', NEW.id, NEW.name, NEW.version, feed_group(OLD), feed_group(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER groups_fed_over AFTER UPDATE ON groups FOR EACH ROW
    WHEN ((
        OLD.name, OLD.kind, OLD.external_id, OLD.managed_by, OLD.confers_admin)
        IS DISTINCT FROM (
        NEW.name, NEW.kind, NEW.external_id, NEW.managed_by, NEW.confers_admin))
    EXECUTE FUNCTION feed_groups_over();

CREATE FUNCTION feed_groups_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        SELECT 'group', r.id, r.name, r.version, feed_group(CAST(ROW(r.*) AS groups)), NULL FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER groups_fed_out AFTER DELETE ON groups
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION feed_groups_out();

-- Whom a group or a person takes along when it goes is not said again.
CREATE FUNCTION feed_group_members_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'membership', r.group_id || '/' || r.member_id,
            NULL,
            json_build_object('group', r.group_id, 'member', r.member_id, 'type', r.member_kind)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER group_members_fed_in AFTER INSERT ON group_members
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION feed_group_members_in();

CREATE FUNCTION feed_group_members_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'membership', r.group_id || '/' || r.member_id,
            json_build_object('group', r.group_id, 'member', r.member_id, 'type', r.member_kind)::text,
            NULL
            FROM removed r
            WHERE EXISTS (SELECT 1 FROM groups p WHERE p.id = r.group_id);
    RETURN NULL;
END $$;
CREATE TRIGGER group_members_fed_out AFTER DELETE ON group_members
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION feed_group_members_out();

CREATE FUNCTION feed_group_grants_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'grant', 'group/' || r.group_id || '/' || r.field || '/' || r.value,
            NULL,
            json_build_object('group', r.group_id, 'user', NULL, 'field', r.field,
                'value', r.value)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER group_grants_fed_in AFTER INSERT ON group_grants
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION feed_group_grants_in();

CREATE FUNCTION feed_group_grants_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'grant', 'group/' || r.group_id || '/' || r.field || '/' || r.value,
            json_build_object('group', r.group_id, 'user', NULL, 'field', r.field,
                'value', r.value)::text,
            NULL
            FROM removed r
            WHERE EXISTS (SELECT 1 FROM groups p WHERE p.id = r.group_id);
    RETURN NULL;
END $$;
CREATE TRIGGER group_grants_fed_out AFTER DELETE ON group_grants
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION feed_group_grants_out();

CREATE FUNCTION feed_manual_grants_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'grant', 'user/' || r.user_id || '/' || r.field || '/' || r.value,
            NULL,
            json_build_object('group', NULL, 'user', r.user_id, 'field', r.field,
                'value', r.value)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER manual_grants_fed_in AFTER INSERT ON manual_grants
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION feed_manual_grants_in();

CREATE FUNCTION feed_manual_grants_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'grant', 'user/' || r.user_id || '/' || r.field || '/' || r.value,
            json_build_object('group', NULL, 'user', r.user_id, 'field', r.field,
                'value', r.value)::text,
            NULL
            FROM removed r
            WHERE EXISTS (SELECT 1 FROM users p WHERE p.id = r.user_id);
    RETURN NULL;
END $$;
CREATE TRIGGER manual_grants_fed_out AFTER DELETE ON manual_grants
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION feed_manual_grants_out();

CREATE FUNCTION feed_custom_fields_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'custom_field', r.field_key,
            NULL,
            r.definition
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER custom_fields_fed_in AFTER INSERT ON custom_fields
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION feed_custom_fields_in();

CREATE FUNCTION feed_custom_fields_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        SELECT 'custom_field', r.field_key,
            r.definition,
            NULL
            FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER custom_fields_fed_out AFTER DELETE ON custom_fields
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION feed_custom_fields_out();

CREATE FUNCTION feed_custom_fields_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, old, new)
        VALUES ('custom_field', NEW.field_key, OLD.definition, NEW.definition);
    RETURN NULL;
END $$;
CREATE TRIGGER custom_fields_fed_over AFTER UPDATE ON custom_fields FOR EACH ROW
    WHEN (OLD.definition IS DISTINCT FROM NEW.definition)
    EXECUTE FUNCTION feed_custom_fields_over();
