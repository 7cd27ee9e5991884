-- What was changed with one cause: a cycle of an identity provider, rules that were applied again,
-- a decision of an administrator. A cycle ends by silence; of the others the end is written.
CREATE TABLE runs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    configuration_id TEXT COLLATE "C",
    configuration_name TEXT,
    actor TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    -- When the last request of a cycle came, and after how many milliseconds of silence it ends.
    last_request_at BIGINT NOT NULL,
    silence BIGINT,
    ended_at BIGINT,
    state TEXT NOT NULL,
    -- Of an undo: which run it takes back, what of it, and how far it is.
    of_run TEXT COLLATE "C",
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

-- How much of what a run did, kept by triggers in the transaction that did it. What is added is a
-- row of its own, so that no writer waits for another; the sum of the rows counts.
CREATE TABLE run_counts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run TEXT COLLATE "C" NOT NULL,
    counted TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL
);
CREATE INDEX run_counts_of ON run_counts (run, counted) INCLUDE (amount);

-- Now and then a writer makes few rows of many. Rows that another one holds are left to the next.
CREATE FUNCTION fold_run_counts(of_run text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF random() >= 0.02 THEN
        RETURN;
    END IF;
    WITH folded AS (
        DELETE FROM run_counts WHERE id IN (
            SELECT id FROM run_counts WHERE run = of_run LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING counted, amount)
    INSERT INTO run_counts (run, counted, amount)
        SELECT of_run, counted, sum(amount) FROM folded GROUP BY counted;
END $$;

-- Rows as they were before a run changed them, and what it made of them: of one that changed only
-- what changed, lists of a document attribute by attribute. Triggers write them while a run speaks,
-- so that no way of writing can forget to.
CREATE TABLE run_images (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run TEXT COLLATE "C" NOT NULL DEFAULT current_setting('serviceops_scim.run'),
    request TEXT COLLATE "C" DEFAULT NULLIF(current_setting('serviceops_scim.request', true), ''),
    at BIGINT NOT NULL DEFAULT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint),
    subject TEXT NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    -- The member of a membership.
    other_id TEXT COLLATE "C",
    name TEXT,
    old TEXT,
    new TEXT
);
CREATE INDEX run_images_run ON run_images (run, id);
CREATE INDEX run_images_resource ON run_images (resource_id, run);
CREATE INDEX run_images_other ON run_images (other_id, run) WHERE other_id IS NOT NULL;
CREATE INDEX run_images_at ON run_images (at);

ALTER TABLE provisioning_events ADD COLUMN run TEXT COLLATE "C";
CREATE INDEX provisioning_events_run ON provisioning_events (run, id) WHERE run IS NOT NULL;

CREATE FUNCTION run_speaks() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT COALESCE(current_setting('serviceops_scim.run', true), '') <> ''
$$;

CREATE FUNCTION count_run_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_counts (run, counted, amount)
        SELECT NEW.run, counted, NEW.occurrences FROM (
            SELECT CASE WHEN NEW.outcome IN ('success', 'warning') THEN CASE NEW.action
                WHEN 'create' THEN 'created' WHEN 'update' THEN 'updated' WHEN 'block' THEN 'blocked'
                WHEN 'unblock' THEN 'unblocked' WHEN 'archive' THEN 'archived'
                WHEN 'delete' THEN 'deleted' WHEN 'link' THEN 'linked'
                WHEN 'changeMembers' THEN 'updated' END
                WHEN NEW.outcome = 'failure' THEN 'failed' ELSE NEW.outcome END AS counted
            UNION ALL SELECT CASE WHEN NEW.outcome = 'warning' THEN 'warned' END
            UNION ALL SELECT CASE WHEN NEW.outcome = 'failure' THEN 'refused:' || NEW.cause END
        ) AS of_event WHERE counted IS NOT NULL;
    PERFORM fold_run_counts(NEW.run);
    RETURN NULL;
END $$;
CREATE TRIGGER provisioning_events_counted AFTER INSERT ON provisioning_events FOR EACH ROW
    WHEN (NEW.run IS NOT NULL) EXECUTE FUNCTION count_run_event();

CREATE FUNCTION image_users_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, name, new)
        VALUES ('user', NEW.id, NEW.user_name, json_build_object(
                'userName', NEW.user_name, 'firstName', NEW.first_name, 'lastName', NEW.last_name,
                'displayName', NEW.display_name, 'email', NEW.email, 'contactNo', NEW.contact_no,
                'altContactNo1', NEW.alt_contact_no1, 'altContactNo2', NEW.alt_contact_no2,
                'jobTitle', NEW.job_title, 'employeeId', NEW.employee_id,
                'department', NEW.department, 'location', NEW.location, 'manager', NEW.manager,
                'managerId', NEW.manager_id, 'roles', NEW.roles::json, 'company', NEW.company,
                'language', NEW.language, 'timeZone', NEW.time_zone, 'userType', NEW.user_type,
                'vip', NEW.is_vip, 'customFields', NEW.custom_fields::json, 'status', NEW.status,
                'externalId', NEW.external_id, 'managedBy', NEW.managed_by, 'leftAt', NEW.left_at,
                'purgeAt', NEW.purge_at, 'held', NEW.held)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER users_imaged_in AFTER INSERT ON users FOR EACH ROW
    WHEN (run_speaks()) EXECUTE FUNCTION image_users_in();

CREATE FUNCTION image_users_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, name, old, new)
        VALUES ('user', NEW.id, NEW.user_name,
            '{' || substr(
                CASE WHEN OLD.user_name IS NOT DISTINCT FROM NEW.user_name THEN ''
                ELSE ',"userName":' || COALESCE(to_json(OLD.user_name)::text, 'null') END ||
                CASE WHEN OLD.first_name IS NOT DISTINCT FROM NEW.first_name THEN ''
                ELSE ',"firstName":' || COALESCE(to_json(OLD.first_name)::text, 'null') END ||
                CASE WHEN OLD.last_name IS NOT DISTINCT FROM NEW.last_name THEN ''
                ELSE ',"lastName":' || COALESCE(to_json(OLD.last_name)::text, 'null') END ||
                CASE WHEN OLD.display_name IS NOT DISTINCT FROM NEW.display_name THEN ''
                ELSE ',"displayName":' || COALESCE(to_json(OLD.display_name)::text, 'null') END ||
                CASE WHEN OLD.email IS NOT DISTINCT FROM NEW.email THEN ''
                ELSE ',"email":' || COALESCE(to_json(OLD.email)::text, 'null') END ||
                CASE WHEN OLD.contact_no IS NOT DISTINCT FROM NEW.contact_no THEN ''
                ELSE ',"contactNo":' || COALESCE(to_json(OLD.contact_no)::text, 'null') END ||
                CASE WHEN OLD.alt_contact_no1 IS NOT DISTINCT FROM NEW.alt_contact_no1 THEN ''
                ELSE ',"altContactNo1":' || COALESCE(to_json(OLD.alt_contact_no1)::text, 'null') END ||
                CASE WHEN OLD.alt_contact_no2 IS NOT DISTINCT FROM NEW.alt_contact_no2 THEN ''
                ELSE ',"altContactNo2":' || COALESCE(to_json(OLD.alt_contact_no2)::text, 'null') END ||
                CASE WHEN OLD.job_title IS NOT DISTINCT FROM NEW.job_title THEN ''
                ELSE ',"jobTitle":' || COALESCE(to_json(OLD.job_title)::text, 'null') END ||
                CASE WHEN OLD.employee_id IS NOT DISTINCT FROM NEW.employee_id THEN ''
                ELSE ',"employeeId":' || COALESCE(to_json(OLD.employee_id)::text, 'null') END ||
                CASE WHEN OLD.department IS NOT DISTINCT FROM NEW.department THEN ''
                ELSE ',"department":' || COALESCE(to_json(OLD.department)::text, 'null') END ||
                CASE WHEN OLD.location IS NOT DISTINCT FROM NEW.location THEN ''
                ELSE ',"location":' || COALESCE(to_json(OLD.location)::text, 'null') END ||
                CASE WHEN OLD.manager IS NOT DISTINCT FROM NEW.manager THEN ''
                ELSE ',"manager":' || COALESCE(to_json(OLD.manager)::text, 'null') END ||
                CASE WHEN OLD.manager_id IS NOT DISTINCT FROM NEW.manager_id THEN ''
                ELSE ',"managerId":' || COALESCE(to_json(OLD.manager_id)::text, 'null') END ||
                CASE WHEN OLD.roles IS NOT DISTINCT FROM NEW.roles THEN ''
                ELSE ',"roles":' || OLD.roles END ||
                CASE WHEN OLD.company IS NOT DISTINCT FROM NEW.company THEN ''
                ELSE ',"company":' || COALESCE(to_json(OLD.company)::text, 'null') END ||
                CASE WHEN OLD.language IS NOT DISTINCT FROM NEW.language THEN ''
                ELSE ',"language":' || COALESCE(to_json(OLD.language)::text, 'null') END ||
                CASE WHEN OLD.time_zone IS NOT DISTINCT FROM NEW.time_zone THEN ''
                ELSE ',"timeZone":' || COALESCE(to_json(OLD.time_zone)::text, 'null') END ||
                CASE WHEN OLD.user_type IS NOT DISTINCT FROM NEW.user_type THEN ''
                ELSE ',"userType":' || COALESCE(to_json(OLD.user_type)::text, 'null') END ||
                CASE WHEN OLD.is_vip IS NOT DISTINCT FROM NEW.is_vip THEN ''
                ELSE ',"vip":' || COALESCE(to_json(OLD.is_vip)::text, 'null') END ||
                CASE WHEN OLD.custom_fields IS NOT DISTINCT FROM NEW.custom_fields THEN ''
                ELSE ',"customFields":' || OLD.custom_fields END ||
                CASE WHEN OLD.status IS NOT DISTINCT FROM NEW.status THEN ''
                ELSE ',"status":' || COALESCE(to_json(OLD.status)::text, 'null') END ||
                CASE WHEN OLD.external_id IS NOT DISTINCT FROM NEW.external_id THEN ''
                ELSE ',"externalId":' || COALESCE(to_json(OLD.external_id)::text, 'null') END ||
                CASE WHEN OLD.managed_by IS NOT DISTINCT FROM NEW.managed_by THEN ''
                ELSE ',"managedBy":' || COALESCE(to_json(OLD.managed_by)::text, 'null') END ||
                CASE WHEN OLD.left_at IS NOT DISTINCT FROM NEW.left_at THEN ''
                ELSE ',"leftAt":' || COALESCE(to_json(OLD.left_at)::text, 'null') END ||
                CASE WHEN OLD.purge_at IS NOT DISTINCT FROM NEW.purge_at THEN ''
                ELSE ',"purgeAt":' || COALESCE(to_json(OLD.purge_at)::text, 'null') END ||
                CASE WHEN OLD.held IS NOT DISTINCT FROM NEW.held THEN ''
                ELSE ',"held":' || COALESCE(to_json(OLD.held)::text, 'null') END ||
                CASE WHEN OLD.scim_document = NEW.scim_document THEN ''
                ELSE ',"document":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM json_each(OLD.scim_document::json) e
                    WHERE (OLD.scim_document::json -> e.key)::text
                        IS DISTINCT FROM (NEW.scim_document::json -> e.key)::text), '{}') END ||
                CASE WHEN OLD.search_document = NEW.search_document THEN ''
                ELSE ',"search":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM jsonb_each(OLD.search_document) e
                    WHERE (OLD.search_document -> e.key)
                        IS DISTINCT FROM (NEW.search_document -> e.key)), '{}') END, 2) || '}',
            '{' || substr(
                CASE WHEN OLD.user_name IS NOT DISTINCT FROM NEW.user_name THEN ''
                ELSE ',"userName":' || COALESCE(to_json(NEW.user_name)::text, 'null') END ||
                CASE WHEN OLD.first_name IS NOT DISTINCT FROM NEW.first_name THEN ''
                ELSE ',"firstName":' || COALESCE(to_json(NEW.first_name)::text, 'null') END ||
                CASE WHEN OLD.last_name IS NOT DISTINCT FROM NEW.last_name THEN ''
                ELSE ',"lastName":' || COALESCE(to_json(NEW.last_name)::text, 'null') END ||
                CASE WHEN OLD.display_name IS NOT DISTINCT FROM NEW.display_name THEN ''
                ELSE ',"displayName":' || COALESCE(to_json(NEW.display_name)::text, 'null') END ||
                CASE WHEN OLD.email IS NOT DISTINCT FROM NEW.email THEN ''
                ELSE ',"email":' || COALESCE(to_json(NEW.email)::text, 'null') END ||
                CASE WHEN OLD.contact_no IS NOT DISTINCT FROM NEW.contact_no THEN ''
                ELSE ',"contactNo":' || COALESCE(to_json(NEW.contact_no)::text, 'null') END ||
                CASE WHEN OLD.alt_contact_no1 IS NOT DISTINCT FROM NEW.alt_contact_no1 THEN ''
                ELSE ',"altContactNo1":' || COALESCE(to_json(NEW.alt_contact_no1)::text, 'null') END ||
                CASE WHEN OLD.alt_contact_no2 IS NOT DISTINCT FROM NEW.alt_contact_no2 THEN ''
                ELSE ',"altContactNo2":' || COALESCE(to_json(NEW.alt_contact_no2)::text, 'null') END ||
                CASE WHEN OLD.job_title IS NOT DISTINCT FROM NEW.job_title THEN ''
                ELSE ',"jobTitle":' || COALESCE(to_json(NEW.job_title)::text, 'null') END ||
                CASE WHEN OLD.employee_id IS NOT DISTINCT FROM NEW.employee_id THEN ''
                ELSE ',"employeeId":' || COALESCE(to_json(NEW.employee_id)::text, 'null') END ||
                CASE WHEN OLD.department IS NOT DISTINCT FROM NEW.department THEN ''
                ELSE ',"department":' || COALESCE(to_json(NEW.department)::text, 'null') END ||
                CASE WHEN OLD.location IS NOT DISTINCT FROM NEW.location THEN ''
                ELSE ',"location":' || COALESCE(to_json(NEW.location)::text, 'null') END ||
                CASE WHEN OLD.manager IS NOT DISTINCT FROM NEW.manager THEN ''
                ELSE ',"manager":' || COALESCE(to_json(NEW.manager)::text, 'null') END ||
                CASE WHEN OLD.manager_id IS NOT DISTINCT FROM NEW.manager_id THEN ''
                ELSE ',"managerId":' || COALESCE(to_json(NEW.manager_id)::text, 'null') END ||
                CASE WHEN OLD.roles IS NOT DISTINCT FROM NEW.roles THEN ''
                ELSE ',"roles":' || NEW.roles END ||
                CASE WHEN OLD.company IS NOT DISTINCT FROM NEW.company THEN ''
                ELSE ',"company":' || COALESCE(to_json(NEW.company)::text, 'null') END ||
                CASE WHEN OLD.language IS NOT DISTINCT FROM NEW.language THEN ''
                ELSE ',"language":' || COALESCE(to_json(NEW.language)::text, 'null') END ||
                CASE WHEN OLD.time_zone IS NOT DISTINCT FROM NEW.time_zone THEN ''
                ELSE ',"timeZone":' || COALESCE(to_json(NEW.time_zone)::text, 'null') END ||
                CASE WHEN OLD.user_type IS NOT DISTINCT FROM NEW.user_type THEN ''
                ELSE ',"userType":' || COALESCE(to_json(NEW.user_type)::text, 'null') END ||
                CASE WHEN OLD.is_vip IS NOT DISTINCT FROM NEW.is_vip THEN ''
                ELSE ',"vip":' || COALESCE(to_json(NEW.is_vip)::text, 'null') END ||
                CASE WHEN OLD.custom_fields IS NOT DISTINCT FROM NEW.custom_fields THEN ''
                ELSE ',"customFields":' || NEW.custom_fields END ||
                CASE WHEN OLD.status IS NOT DISTINCT FROM NEW.status THEN ''
                ELSE ',"status":' || COALESCE(to_json(NEW.status)::text, 'null') END ||
                CASE WHEN OLD.external_id IS NOT DISTINCT FROM NEW.external_id THEN ''
                ELSE ',"externalId":' || COALESCE(to_json(NEW.external_id)::text, 'null') END ||
                CASE WHEN OLD.managed_by IS NOT DISTINCT FROM NEW.managed_by THEN ''
                ELSE ',"managedBy":' || COALESCE(to_json(NEW.managed_by)::text, 'null') END ||
                CASE WHEN OLD.left_at IS NOT DISTINCT FROM NEW.left_at THEN ''
                ELSE ',"leftAt":' || COALESCE(to_json(NEW.left_at)::text, 'null') END ||
                CASE WHEN OLD.purge_at IS NOT DISTINCT FROM NEW.purge_at THEN ''
                ELSE ',"purgeAt":' || COALESCE(to_json(NEW.purge_at)::text, 'null') END ||
                CASE WHEN OLD.held IS NOT DISTINCT FROM NEW.held THEN ''
                ELSE ',"held":' || COALESCE(to_json(NEW.held)::text, 'null') END ||
                CASE WHEN OLD.scim_document = NEW.scim_document THEN ''
                ELSE ',"document":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM json_each(NEW.scim_document::json) e
                    WHERE (OLD.scim_document::json -> e.key)::text
                        IS DISTINCT FROM (NEW.scim_document::json -> e.key)::text), '{}') END ||
                CASE WHEN OLD.search_document = NEW.search_document THEN ''
                ELSE ',"search":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM jsonb_each(NEW.search_document) e
                    WHERE (OLD.search_document -> e.key)
                        IS DISTINCT FROM (NEW.search_document -> e.key)), '{}') END, 2) || '}');
    RETURN NULL;
END $$;
CREATE TRIGGER users_imaged_over AFTER UPDATE ON users FOR EACH ROW
    WHEN (run_speaks() AND (
        OLD.user_name, OLD.first_name, OLD.last_name, OLD.display_name, OLD.email, OLD.contact_no,
        OLD.alt_contact_no1, OLD.alt_contact_no2, OLD.job_title, OLD.employee_id, OLD.department,
        OLD.location, OLD.manager, OLD.manager_id, OLD.roles, OLD.company, OLD.language,
        OLD.time_zone, OLD.user_type, OLD.is_vip, OLD.custom_fields, OLD.status, OLD.external_id,
        OLD.managed_by, OLD.left_at, OLD.purge_at, OLD.held, OLD.scim_document)
        IS DISTINCT FROM (
        NEW.user_name, NEW.first_name, NEW.last_name, NEW.display_name, NEW.email, NEW.contact_no,
        NEW.alt_contact_no1, NEW.alt_contact_no2, NEW.job_title, NEW.employee_id, NEW.department,
        NEW.location, NEW.manager, NEW.manager_id, NEW.roles, NEW.company, NEW.language,
        NEW.time_zone, NEW.user_type, NEW.is_vip, NEW.custom_fields, NEW.status, NEW.external_id,
        NEW.managed_by, NEW.left_at, NEW.purge_at, NEW.held, NEW.scim_document))
    EXECUTE FUNCTION image_users_over();

CREATE FUNCTION image_groups_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, name, new)
        VALUES ('group', NEW.id, NEW.name, json_build_object(
                'name', NEW.name, 'kind', NEW.kind, 'ruleKey', NEW.rule_key,
                'externalId', NEW.external_id, 'managedBy', NEW.managed_by)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER groups_imaged_in AFTER INSERT ON groups FOR EACH ROW
    WHEN (run_speaks()) EXECUTE FUNCTION image_groups_in();

CREATE FUNCTION image_groups_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, name, old, new)
        VALUES ('group', NEW.id, NEW.name,
            '{' || substr(
                CASE WHEN OLD.name IS NOT DISTINCT FROM NEW.name THEN ''
                ELSE ',"name":' || COALESCE(to_json(OLD.name)::text, 'null') END ||
                CASE WHEN OLD.kind IS NOT DISTINCT FROM NEW.kind THEN ''
                ELSE ',"kind":' || COALESCE(to_json(OLD.kind)::text, 'null') END ||
                CASE WHEN OLD.rule_key IS NOT DISTINCT FROM NEW.rule_key THEN ''
                ELSE ',"ruleKey":' || COALESCE(to_json(OLD.rule_key)::text, 'null') END ||
                CASE WHEN OLD.external_id IS NOT DISTINCT FROM NEW.external_id THEN ''
                ELSE ',"externalId":' || COALESCE(to_json(OLD.external_id)::text, 'null') END ||
                CASE WHEN OLD.managed_by IS NOT DISTINCT FROM NEW.managed_by THEN ''
                ELSE ',"managedBy":' || COALESCE(to_json(OLD.managed_by)::text, 'null') END ||
                CASE WHEN OLD.scim_document = NEW.scim_document THEN ''
                ELSE ',"document":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM json_each(OLD.scim_document::json) e
                    WHERE (OLD.scim_document::json -> e.key)::text
                        IS DISTINCT FROM (NEW.scim_document::json -> e.key)::text), '{}') END ||
                CASE WHEN OLD.search_document = NEW.search_document THEN ''
                ELSE ',"search":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM jsonb_each(OLD.search_document) e
                    WHERE (OLD.search_document -> e.key)
                        IS DISTINCT FROM (NEW.search_document -> e.key)), '{}') END, 2) || '}',
            '{' || substr(
                CASE WHEN OLD.name IS NOT DISTINCT FROM NEW.name THEN ''
                ELSE ',"name":' || COALESCE(to_json(NEW.name)::text, 'null') END ||
                CASE WHEN OLD.kind IS NOT DISTINCT FROM NEW.kind THEN ''
                ELSE ',"kind":' || COALESCE(to_json(NEW.kind)::text, 'null') END ||
                CASE WHEN OLD.rule_key IS NOT DISTINCT FROM NEW.rule_key THEN ''
                ELSE ',"ruleKey":' || COALESCE(to_json(NEW.rule_key)::text, 'null') END ||
                CASE WHEN OLD.external_id IS NOT DISTINCT FROM NEW.external_id THEN ''
                ELSE ',"externalId":' || COALESCE(to_json(NEW.external_id)::text, 'null') END ||
                CASE WHEN OLD.managed_by IS NOT DISTINCT FROM NEW.managed_by THEN ''
                ELSE ',"managedBy":' || COALESCE(to_json(NEW.managed_by)::text, 'null') END ||
                CASE WHEN OLD.scim_document = NEW.scim_document THEN ''
                ELSE ',"document":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM json_each(NEW.scim_document::json) e
                    WHERE (OLD.scim_document::json -> e.key)::text
                        IS DISTINCT FROM (NEW.scim_document::json -> e.key)::text), '{}') END ||
                CASE WHEN OLD.search_document = NEW.search_document THEN ''
                ELSE ',"search":' || COALESCE((
                    SELECT json_object_agg(e.key, e.value)::text FROM jsonb_each(NEW.search_document) e
                    WHERE (OLD.search_document -> e.key)
                        IS DISTINCT FROM (NEW.search_document -> e.key)), '{}') END, 2) || '}');
    RETURN NULL;
END $$;
CREATE TRIGGER groups_imaged_over AFTER UPDATE ON groups FOR EACH ROW
    WHEN (run_speaks() AND (
        OLD.name, OLD.kind, OLD.rule_key, OLD.external_id, OLD.managed_by, OLD.scim_document)
        IS DISTINCT FROM (
        NEW.name, NEW.kind, NEW.rule_key, NEW.external_id, NEW.managed_by, NEW.scim_document))
    EXECUTE FUNCTION image_groups_over();

CREATE FUNCTION image_groups_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, name, old)
        VALUES ('group', OLD.id, OLD.name, json_build_object(
                'name', OLD.name, 'kind', OLD.kind, 'ruleKey', OLD.rule_key,
                'externalId', OLD.external_id, 'managedBy', OLD.managed_by, 'version', OLD.version,
                'createdAt', OLD.created_at, 'document', OLD.scim_document::json,
                'search', OLD.search_document)::text);
    RETURN OLD;
END $$;
CREATE TRIGGER groups_imaged_out BEFORE DELETE ON groups FOR EACH ROW
    WHEN (run_speaks()) EXECUTE FUNCTION image_groups_out();

-- What a person was goes with the person.
CREATE FUNCTION forget_images_of_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM run_images WHERE resource_id = OLD.id;
    DELETE FROM run_images WHERE other_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER users_unimaged AFTER DELETE ON users FOR EACH ROW
    EXECUTE FUNCTION forget_images_of_user();

CREATE FUNCTION image_group_members_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, other_id, new)
        SELECT 'membership', r.group_id, r.member_id, json_build_object(
                'group', r.group_id, 'member', r.member_id, 'type', r.member_kind,
                'addedAt', r.added_at, 'heldId', r.held_id, 'heldBy', r.held_by,
                'heldAt', r.held_at)::text
            FROM added r;
    INSERT INTO run_counts (run, counted, amount)
        SELECT current_setting('serviceops_scim.run'), 'joined', count(*) FROM added HAVING count(*) > 0;
    PERFORM fold_run_counts(current_setting('serviceops_scim.run'));
    RETURN NULL;
END $$;
CREATE TRIGGER group_members_imaged_in AFTER INSERT ON group_members
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_group_members_in();

CREATE FUNCTION image_group_members_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, other_id, old)
        SELECT 'membership', r.group_id, r.member_id, json_build_object(
                'group', r.group_id, 'member', r.member_id, 'type', r.member_kind,
                'addedAt', r.added_at, 'heldId', r.held_id, 'heldBy', r.held_by,
                'heldAt', r.held_at)::text
            FROM removed r;
    INSERT INTO run_counts (run, counted, amount)
        SELECT current_setting('serviceops_scim.run'), 'left', count(*) FROM removed HAVING count(*) > 0;
    PERFORM fold_run_counts(current_setting('serviceops_scim.run'));
    RETURN NULL;
END $$;
CREATE TRIGGER group_members_imaged_out AFTER DELETE ON group_members
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_group_members_out();

CREATE FUNCTION image_group_members_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, other_id, old, new)
        VALUES ('membership', NEW.group_id, NEW.member_id, json_build_object(
                'group', OLD.group_id, 'member', OLD.member_id, 'type', OLD.member_kind,
                'addedAt', OLD.added_at, 'heldId', OLD.held_id, 'heldBy', OLD.held_by,
                'heldAt', OLD.held_at)::text,
            json_build_object(
                'group', NEW.group_id, 'member', NEW.member_id, 'type', NEW.member_kind,
                'addedAt', NEW.added_at, 'heldId', NEW.held_id, 'heldBy', NEW.held_by,
                'heldAt', NEW.held_at)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER group_members_imaged_over AFTER UPDATE ON group_members FOR EACH ROW
    WHEN (run_speaks() AND OLD.held_id IS DISTINCT FROM NEW.held_id)
    EXECUTE FUNCTION image_group_members_over();

CREATE FUNCTION image_group_grants_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, new)
        SELECT 'group_grant', r.group_id, json_build_object(
                'group', r.group_id, 'field', r.field, 'value', r.value)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER group_grants_imaged_in AFTER INSERT ON group_grants
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_group_grants_in();

CREATE FUNCTION image_group_grants_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, old)
        SELECT 'group_grant', r.group_id, json_build_object(
                'group', r.group_id, 'field', r.field, 'value', r.value)::text
            FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER group_grants_imaged_out AFTER DELETE ON group_grants
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_group_grants_out();

CREATE FUNCTION image_manual_grants_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, new)
        SELECT 'manual_grant', r.user_id, json_build_object(
                'user', r.user_id, 'field', r.field, 'value', r.value)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER manual_grants_imaged_in AFTER INSERT ON manual_grants
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_manual_grants_in();

CREATE FUNCTION image_manual_grants_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, old)
        SELECT 'manual_grant', r.user_id, json_build_object(
                'user', r.user_id, 'field', r.field, 'value', r.value)::text
            FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER manual_grants_imaged_out AFTER DELETE ON manual_grants
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_manual_grants_out();

CREATE FUNCTION image_held_changes_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, new)
        SELECT 'held_change', r.user_id, json_build_object(
                'id', r.id, 'configuration', r.configuration_id, 'user', r.user_id,
                'deleted', r.deleted, 'status', r.status, 'purgeAt', r.purge_at, 'at', r.at)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER held_changes_imaged_in AFTER INSERT ON held_changes
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_held_changes_in();

CREATE FUNCTION image_held_changes_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, old)
        SELECT 'held_change', r.user_id, json_build_object(
                'id', r.id, 'configuration', r.configuration_id, 'user', r.user_id,
                'deleted', r.deleted, 'status', r.status, 'purgeAt', r.purge_at, 'at', r.at)::text
            FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER held_changes_imaged_out AFTER DELETE ON held_changes
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_held_changes_out();

CREATE FUNCTION image_awaited_members_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, other_id, new)
        SELECT 'awaited_member', r.group_id, r.member_id, json_build_object(
                'group', r.group_id, 'member', r.member_id)::text
            FROM added r;
    RETURN NULL;
END $$;
CREATE TRIGGER awaited_members_imaged_in AFTER INSERT ON awaited_members
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_awaited_members_in();

CREATE FUNCTION image_awaited_members_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_images (subject, resource_id, other_id, old)
        SELECT 'awaited_member', r.group_id, r.member_id, json_build_object(
                'group', r.group_id, 'member', r.member_id)::text
            FROM removed r;
    RETURN NULL;
END $$;
CREATE TRIGGER awaited_members_imaged_out AFTER DELETE ON awaited_members
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT
    WHEN (run_speaks()) EXECUTE FUNCTION image_awaited_members_out();
