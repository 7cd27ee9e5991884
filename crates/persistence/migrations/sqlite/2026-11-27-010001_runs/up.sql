-- What was changed with one cause: a cycle of an identity provider, rules that were applied again,
-- a decision of an administrator. A cycle ends by silence; of the others the end is written.
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    configuration_id TEXT,
    configuration_name TEXT,
    actor TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    -- When the last request of a cycle came, and after how many milliseconds of silence it ends.
    last_request_at BIGINT NOT NULL,
    silence BIGINT,
    ended_at BIGINT,
    state TEXT NOT NULL,
    -- Of an undo: which run it takes back, what of it, and how far it is.
    of_run TEXT,
    chosen TEXT,
    phase BIGINT,
    position BIGINT,
    claimed_until BIGINT NOT NULL
);
CREATE INDEX runs_of_configuration ON runs (configuration_id, id);
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
-- One cycle of a configuration at a time, whichever server begins it.
CREATE UNIQUE INDEX runs_open_cycle ON runs (configuration_id) WHERE kind = 'cycle' AND state = 'running';
CREATE INDEX runs_unfinished ON runs (id) WHERE state = 'running';

-- How much of what a run did, kept by triggers in the transaction that did it.
CREATE TABLE run_counts (
    run TEXT NOT NULL,
    counted TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (run, counted)
);

-- Rows as they were before a run changed them, and what it made of them: of one that changed only
-- what changed, lists of a document attribute by attribute. Triggers write them while a run speaks,
-- so that no way of writing can forget to.
CREATE TABLE run_images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    request TEXT,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    -- The member of a membership.
    other_id TEXT,
    name TEXT,
    old TEXT,
    new TEXT
);
CREATE INDEX run_images_run ON run_images (run, id);
CREATE INDEX run_images_resource ON run_images (resource_id, run);
CREATE INDEX run_images_other ON run_images (other_id, run) WHERE other_id IS NOT NULL;
CREATE INDEX run_images_at ON run_images (at);

ALTER TABLE provisioning_events ADD COLUMN run TEXT;
CREATE INDEX provisioning_events_run ON provisioning_events (run, id) WHERE run IS NOT NULL;
ALTER TABLE feed_author ADD COLUMN request TEXT;

CREATE TRIGGER provisioning_events_counted AFTER INSERT ON provisioning_events
WHEN NEW.run IS NOT NULL BEGIN
    INSERT INTO run_counts (run, counted, amount)
        SELECT NEW.run, counted, NEW.occurrences FROM (
            SELECT CASE WHEN NEW.outcome IN ('success', 'warning') THEN CASE NEW.action
                WHEN 'create' THEN 'created' WHEN 'update' THEN 'updated' WHEN 'block' THEN 'blocked'
                WHEN 'unblock' THEN 'unblocked' WHEN 'archive' THEN 'archived'
                WHEN 'delete' THEN 'deleted' WHEN 'link' THEN 'linked'
                WHEN 'changeMembers' THEN 'updated' END
                WHEN NEW.outcome = 'failure' THEN 'failed' ELSE NEW.outcome END AS counted
            UNION ALL SELECT CASE WHEN NEW.outcome = 'warning' THEN 'warned' END
            UNION ALL SELECT CASE WHEN NEW.outcome = 'failure' THEN 'refused:' || NEW.cause END)
        WHERE counted IS NOT NULL
        ON CONFLICT (run, counted) DO UPDATE SET amount = amount + excluded.amount;
END;

CREATE TRIGGER users_imaged_in AFTER INSERT ON users WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'user', NEW.id, NULL, NEW.user_name,
            NULL,
            json_object(
                'userName', NEW.user_name, 'firstName', NEW.first_name, 'lastName', NEW.last_name,
                'displayName', NEW.display_name, 'email', NEW.email, 'contactNo', NEW.contact_no,
                'altContactNo1', NEW.alt_contact_no1, 'altContactNo2', NEW.alt_contact_no2,
                'jobTitle', NEW.job_title, 'employeeId', NEW.employee_id,
                'department', NEW.department, 'location', NEW.location, 'manager', NEW.manager,
                'managerId', NEW.manager_id, 'roles', json(NEW.roles), 'company', NEW.company,
                'language', NEW.language, 'timeZone', NEW.time_zone, 'userType', NEW.user_type,
                'vip', NEW.is_vip, 'customFields', json(NEW.custom_fields), 'status', NEW.status,
                'externalId', NEW.external_id, 'managedBy', NEW.managed_by, 'leftAt', NEW.left_at,
                'purgeAt', NEW.purge_at, 'held', NEW.held) FROM feed_author;
END;
CREATE TRIGGER users_imaged_over AFTER UPDATE ON users WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) AND (
    OLD.user_name, OLD.first_name, OLD.last_name, OLD.display_name, OLD.email, OLD.contact_no,
    OLD.alt_contact_no1, OLD.alt_contact_no2, OLD.job_title, OLD.employee_id, OLD.department,
    OLD.location, OLD.manager, OLD.manager_id, OLD.roles, OLD.company, OLD.language, OLD.time_zone,
    OLD.user_type, OLD.is_vip, OLD.custom_fields, OLD.status, OLD.external_id, OLD.managed_by,
    OLD.left_at, OLD.purge_at, OLD.held, OLD.scim_document)
    IS NOT (
    NEW.user_name, NEW.first_name, NEW.last_name, NEW.display_name, NEW.email, NEW.contact_no,
    NEW.alt_contact_no1, NEW.alt_contact_no2, NEW.job_title, NEW.employee_id, NEW.department,
    NEW.location, NEW.manager, NEW.manager_id, NEW.roles, NEW.company, NEW.language, NEW.time_zone,
    NEW.user_type, NEW.is_vip, NEW.custom_fields, NEW.status, NEW.external_id, NEW.managed_by,
    NEW.left_at, NEW.purge_at, NEW.held, NEW.scim_document)
BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'user', NEW.id, NULL, NEW.user_name,
            '{' || substr(
                iif(OLD.user_name IS NEW.user_name, '', ',"userName":' || json_quote(OLD.user_name)) ||
                iif(OLD.first_name IS NEW.first_name, '', ',"firstName":' || json_quote(OLD.first_name)) ||
                iif(OLD.last_name IS NEW.last_name, '', ',"lastName":' || json_quote(OLD.last_name)) ||
                iif(OLD.display_name IS NEW.display_name, '', ',"displayName":' || json_quote(OLD.display_name)) ||
                iif(OLD.email IS NEW.email, '', ',"email":' || json_quote(OLD.email)) ||
                iif(OLD.contact_no IS NEW.contact_no, '', ',"contactNo":' || json_quote(OLD.contact_no)) ||
                iif(OLD.alt_contact_no1 IS NEW.alt_contact_no1, '', ',"altContactNo1":' || json_quote(OLD.alt_contact_no1)) ||
                iif(OLD.alt_contact_no2 IS NEW.alt_contact_no2, '', ',"altContactNo2":' || json_quote(OLD.alt_contact_no2)) ||
                iif(OLD.job_title IS NEW.job_title, '', ',"jobTitle":' || json_quote(OLD.job_title)) ||
                iif(OLD.employee_id IS NEW.employee_id, '', ',"employeeId":' || json_quote(OLD.employee_id)) ||
                iif(OLD.department IS NEW.department, '', ',"department":' || json_quote(OLD.department)) ||
                iif(OLD.location IS NEW.location, '', ',"location":' || json_quote(OLD.location)) ||
                iif(OLD.manager IS NEW.manager, '', ',"manager":' || json_quote(OLD.manager)) ||
                iif(OLD.manager_id IS NEW.manager_id, '', ',"managerId":' || json_quote(OLD.manager_id)) ||
                iif(OLD.roles IS NEW.roles, '', ',"roles":' || OLD.roles) ||
                iif(OLD.company IS NEW.company, '', ',"company":' || json_quote(OLD.company)) ||
                iif(OLD.language IS NEW.language, '', ',"language":' || json_quote(OLD.language)) ||
                iif(OLD.time_zone IS NEW.time_zone, '', ',"timeZone":' || json_quote(OLD.time_zone)) ||
                iif(OLD.user_type IS NEW.user_type, '', ',"userType":' || json_quote(OLD.user_type)) ||
                iif(OLD.is_vip IS NEW.is_vip, '', ',"vip":' || json_quote(OLD.is_vip)) ||
                iif(OLD.custom_fields IS NEW.custom_fields, '', ',"customFields":' || OLD.custom_fields) ||
                iif(OLD.status IS NEW.status, '', ',"status":' || json_quote(OLD.status)) ||
                iif(OLD.external_id IS NEW.external_id, '', ',"externalId":' || json_quote(OLD.external_id)) ||
                iif(OLD.managed_by IS NEW.managed_by, '', ',"managedBy":' || json_quote(OLD.managed_by)) ||
                iif(OLD.left_at IS NEW.left_at, '', ',"leftAt":' || json_quote(OLD.left_at)) ||
                iif(OLD.purge_at IS NEW.purge_at, '', ',"purgeAt":' || json_quote(OLD.purge_at)) ||
                iif(OLD.held IS NEW.held, '', ',"held":' || json_quote(OLD.held)) ||
                iif(OLD.scim_document IS NEW.scim_document, '', ',"document":' || (
                SELECT json_group_object(key, json(OLD.scim_document -> key)) FROM json_each(OLD.scim_document)
                WHERE (OLD.scim_document -> key) IS NOT (NEW.scim_document -> key))) ||
                iif(OLD.search_document IS NEW.search_document, '', ',"search":' || (
                SELECT json_group_object(key, json(OLD.search_document -> key)) FROM json_each(OLD.search_document)
                WHERE (OLD.search_document -> key) IS NOT (NEW.search_document -> key))), 2) || '}',
            '{' || substr(
                iif(OLD.user_name IS NEW.user_name, '', ',"userName":' || json_quote(NEW.user_name)) ||
                iif(OLD.first_name IS NEW.first_name, '', ',"firstName":' || json_quote(NEW.first_name)) ||
                iif(OLD.last_name IS NEW.last_name, '', ',"lastName":' || json_quote(NEW.last_name)) ||
                iif(OLD.display_name IS NEW.display_name, '', ',"displayName":' || json_quote(NEW.display_name)) ||
                iif(OLD.email IS NEW.email, '', ',"email":' || json_quote(NEW.email)) ||
                iif(OLD.contact_no IS NEW.contact_no, '', ',"contactNo":' || json_quote(NEW.contact_no)) ||
                iif(OLD.alt_contact_no1 IS NEW.alt_contact_no1, '', ',"altContactNo1":' || json_quote(NEW.alt_contact_no1)) ||
                iif(OLD.alt_contact_no2 IS NEW.alt_contact_no2, '', ',"altContactNo2":' || json_quote(NEW.alt_contact_no2)) ||
                iif(OLD.job_title IS NEW.job_title, '', ',"jobTitle":' || json_quote(NEW.job_title)) ||
                iif(OLD.employee_id IS NEW.employee_id, '', ',"employeeId":' || json_quote(NEW.employee_id)) ||
                iif(OLD.department IS NEW.department, '', ',"department":' || json_quote(NEW.department)) ||
                iif(OLD.location IS NEW.location, '', ',"location":' || json_quote(NEW.location)) ||
                iif(OLD.manager IS NEW.manager, '', ',"manager":' || json_quote(NEW.manager)) ||
                iif(OLD.manager_id IS NEW.manager_id, '', ',"managerId":' || json_quote(NEW.manager_id)) ||
                iif(OLD.roles IS NEW.roles, '', ',"roles":' || NEW.roles) ||
                iif(OLD.company IS NEW.company, '', ',"company":' || json_quote(NEW.company)) ||
                iif(OLD.language IS NEW.language, '', ',"language":' || json_quote(NEW.language)) ||
                iif(OLD.time_zone IS NEW.time_zone, '', ',"timeZone":' || json_quote(NEW.time_zone)) ||
                iif(OLD.user_type IS NEW.user_type, '', ',"userType":' || json_quote(NEW.user_type)) ||
                iif(OLD.is_vip IS NEW.is_vip, '', ',"vip":' || json_quote(NEW.is_vip)) ||
                iif(OLD.custom_fields IS NEW.custom_fields, '', ',"customFields":' || NEW.custom_fields) ||
                iif(OLD.status IS NEW.status, '', ',"status":' || json_quote(NEW.status)) ||
                iif(OLD.external_id IS NEW.external_id, '', ',"externalId":' || json_quote(NEW.external_id)) ||
                iif(OLD.managed_by IS NEW.managed_by, '', ',"managedBy":' || json_quote(NEW.managed_by)) ||
                iif(OLD.left_at IS NEW.left_at, '', ',"leftAt":' || json_quote(NEW.left_at)) ||
                iif(OLD.purge_at IS NEW.purge_at, '', ',"purgeAt":' || json_quote(NEW.purge_at)) ||
                iif(OLD.held IS NEW.held, '', ',"held":' || json_quote(NEW.held)) ||
                iif(OLD.scim_document IS NEW.scim_document, '', ',"document":' || (
                SELECT json_group_object(key, json(NEW.scim_document -> key)) FROM json_each(NEW.scim_document)
                WHERE (OLD.scim_document -> key) IS NOT (NEW.scim_document -> key))) ||
                iif(OLD.search_document IS NEW.search_document, '', ',"search":' || (
                SELECT json_group_object(key, json(NEW.search_document -> key)) FROM json_each(NEW.search_document)
                WHERE (OLD.search_document -> key) IS NOT (NEW.search_document -> key))), 2) || '}' FROM feed_author;
END;

CREATE TRIGGER groups_imaged_in AFTER INSERT ON groups WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'group', NEW.id, NULL, NEW.name,
            NULL,
            json_object(
                'name', NEW.name, 'kind', NEW.kind, 'ruleKey', NEW.rule_key,
                'externalId', NEW.external_id, 'managedBy', NEW.managed_by) FROM feed_author;
END;
CREATE TRIGGER groups_imaged_over AFTER UPDATE ON groups WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) AND (
    OLD.name, OLD.kind, OLD.rule_key, OLD.external_id, OLD.managed_by, OLD.scim_document)
    IS NOT (
    NEW.name, NEW.kind, NEW.rule_key, NEW.external_id, NEW.managed_by, NEW.scim_document)
BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'group', NEW.id, NULL, NEW.name,
            '{' || substr(
                iif(OLD.name IS NEW.name, '', ',"name":' || json_quote(OLD.name)) ||
                iif(OLD.kind IS NEW.kind, '', ',"kind":' || json_quote(OLD.kind)) ||
                iif(OLD.rule_key IS NEW.rule_key, '', ',"ruleKey":' || json_quote(OLD.rule_key)) ||
                iif(OLD.external_id IS NEW.external_id, '', ',"externalId":' || json_quote(OLD.external_id)) ||
                iif(OLD.managed_by IS NEW.managed_by, '', ',"managedBy":' || json_quote(OLD.managed_by)) ||
                iif(OLD.scim_document IS NEW.scim_document, '', ',"document":' || (
                SELECT json_group_object(key, json(OLD.scim_document -> key)) FROM json_each(OLD.scim_document)
                WHERE (OLD.scim_document -> key) IS NOT (NEW.scim_document -> key))) ||
                iif(OLD.search_document IS NEW.search_document, '', ',"search":' || (
                SELECT json_group_object(key, json(OLD.search_document -> key)) FROM json_each(OLD.search_document)
                WHERE (OLD.search_document -> key) IS NOT (NEW.search_document -> key))), 2) || '}',
            '{' || substr(
                iif(OLD.name IS NEW.name, '', ',"name":' || json_quote(NEW.name)) ||
                iif(OLD.kind IS NEW.kind, '', ',"kind":' || json_quote(NEW.kind)) ||
                iif(OLD.rule_key IS NEW.rule_key, '', ',"ruleKey":' || json_quote(NEW.rule_key)) ||
                iif(OLD.external_id IS NEW.external_id, '', ',"externalId":' || json_quote(NEW.external_id)) ||
                iif(OLD.managed_by IS NEW.managed_by, '', ',"managedBy":' || json_quote(NEW.managed_by)) ||
                iif(OLD.scim_document IS NEW.scim_document, '', ',"document":' || (
                SELECT json_group_object(key, json(NEW.scim_document -> key)) FROM json_each(NEW.scim_document)
                WHERE (OLD.scim_document -> key) IS NOT (NEW.scim_document -> key))) ||
                iif(OLD.search_document IS NEW.search_document, '', ',"search":' || (
                SELECT json_group_object(key, json(NEW.search_document -> key)) FROM json_each(NEW.search_document)
                WHERE (OLD.search_document -> key) IS NOT (NEW.search_document -> key))), 2) || '}' FROM feed_author;
END;

CREATE TRIGGER groups_imaged_out BEFORE DELETE ON groups WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'group', OLD.id, NULL, OLD.name,
            json_object(
                'name', OLD.name, 'kind', OLD.kind, 'ruleKey', OLD.rule_key,
                'externalId', OLD.external_id, 'managedBy', OLD.managed_by, 'version', OLD.version,
                'createdAt', OLD.created_at, 'document', json(OLD.scim_document),
                'search', json(OLD.search_document)),
            NULL FROM feed_author;
END;
-- What a person was goes with the person.
CREATE TRIGGER users_unimaged AFTER DELETE ON users BEGIN
    DELETE FROM run_images WHERE resource_id = OLD.id;
    DELETE FROM run_images WHERE other_id = OLD.id;
END;

CREATE TRIGGER group_members_imaged_in AFTER INSERT ON group_members WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'membership', NEW.group_id, NEW.member_id, NULL,
            NULL,
            json_object(
                'group', NEW.group_id, 'member', NEW.member_id, 'type', NEW.member_kind,
                'addedAt', NEW.added_at, 'heldId', NEW.held_id, 'heldBy', NEW.held_by,
                'heldAt', NEW.held_at) FROM feed_author;
    INSERT INTO run_counts (run, counted, amount) SELECT run, 'joined', 1 FROM feed_author WHERE TRUE
        ON CONFLICT (run, counted) DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER group_members_imaged_out AFTER DELETE ON group_members WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'membership', OLD.group_id, OLD.member_id, NULL,
            json_object(
                'group', OLD.group_id, 'member', OLD.member_id, 'type', OLD.member_kind,
                'addedAt', OLD.added_at, 'heldId', OLD.held_id, 'heldBy', OLD.held_by,
                'heldAt', OLD.held_at),
            NULL FROM feed_author;
    INSERT INTO run_counts (run, counted, amount) SELECT run, 'left', 1 FROM feed_author WHERE TRUE
        ON CONFLICT (run, counted) DO UPDATE SET amount = amount + 1;
END;

CREATE TRIGGER group_members_imaged_over AFTER UPDATE ON group_members
WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) AND OLD.held_id IS NOT NEW.held_id BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'membership', NEW.group_id, NEW.member_id, NULL,
            json_object(
                'group', OLD.group_id, 'member', OLD.member_id, 'type', OLD.member_kind,
                'addedAt', OLD.added_at, 'heldId', OLD.held_id, 'heldBy', OLD.held_by,
                'heldAt', OLD.held_at),
            json_object(
                'group', NEW.group_id, 'member', NEW.member_id, 'type', NEW.member_kind,
                'addedAt', NEW.added_at, 'heldId', NEW.held_id, 'heldBy', NEW.held_by,
                'heldAt', NEW.held_at) FROM feed_author;
END;

CREATE TRIGGER group_grants_imaged_in AFTER INSERT ON group_grants WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'group_grant', NEW.group_id, NULL, NULL,
            NULL,
            json_object(
                'group', NEW.group_id, 'field', NEW.field, 'value', NEW.value) FROM feed_author;
END;
CREATE TRIGGER group_grants_imaged_out AFTER DELETE ON group_grants WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'group_grant', OLD.group_id, NULL, NULL,
            json_object(
                'group', OLD.group_id, 'field', OLD.field, 'value', OLD.value),
            NULL FROM feed_author;
END;

CREATE TRIGGER manual_grants_imaged_in AFTER INSERT ON manual_grants WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'manual_grant', NEW.user_id, NULL, NULL,
            NULL,
            json_object(
                'user', NEW.user_id, 'field', NEW.field, 'value', NEW.value) FROM feed_author;
END;
CREATE TRIGGER manual_grants_imaged_out AFTER DELETE ON manual_grants WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'manual_grant', OLD.user_id, NULL, NULL,
            json_object(
                'user', OLD.user_id, 'field', OLD.field, 'value', OLD.value),
            NULL FROM feed_author;
END;

CREATE TRIGGER held_changes_imaged_in AFTER INSERT ON held_changes WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'held_change', NEW.user_id, NULL, NULL,
            NULL,
            json_object(
                'id', NEW.id, 'configuration', NEW.configuration_id, 'user', NEW.user_id,
                'deleted', NEW.deleted, 'status', NEW.status, 'purgeAt', NEW.purge_at, 'at', NEW.at) FROM feed_author;
END;
CREATE TRIGGER held_changes_imaged_out AFTER DELETE ON held_changes WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'held_change', OLD.user_id, NULL, NULL,
            json_object(
                'id', OLD.id, 'configuration', OLD.configuration_id, 'user', OLD.user_id,
                'deleted', OLD.deleted, 'status', OLD.status, 'purgeAt', OLD.purge_at, 'at', OLD.at),
            NULL FROM feed_author;
END;

CREATE TRIGGER awaited_members_imaged_in AFTER INSERT ON awaited_members WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'awaited_member', NEW.group_id, NEW.member_id, NULL,
            NULL,
            json_object(
                'group', NEW.group_id, 'member', NEW.member_id) FROM feed_author;
END;
CREATE TRIGGER awaited_members_imaged_out AFTER DELETE ON awaited_members WHEN EXISTS (SELECT 1 FROM feed_author WHERE run IS NOT NULL) BEGIN
    INSERT INTO run_images (run, request, at, subject, resource_id, other_id, name, old, new)
        SELECT run, request, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
            'awaited_member', OLD.group_id, OLD.member_id, NULL,
            json_object(
                'group', OLD.group_id, 'member', OLD.member_id),
            NULL FROM feed_author;
END;
