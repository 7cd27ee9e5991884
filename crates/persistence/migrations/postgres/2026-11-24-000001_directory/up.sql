-- People, in the product's words. Times are milliseconds since 1970 in UTC; keys are folded by the
-- application, never by the database.
CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_name TEXT NOT NULL,
    user_name_key TEXT COLLATE "C" NOT NULL,
    first_name TEXT,
    last_name TEXT,
    display_name TEXT,
    display_key TEXT COLLATE "C" NOT NULL,
    email TEXT,
    email_key TEXT COLLATE "C",
    contact_no TEXT,
    alt_contact_no1 TEXT,
    alt_contact_no2 TEXT,
    job_title TEXT,
    employee_id TEXT,
    department TEXT,
    location TEXT,
    -- The manager as the identity provider names one, and the user whom that is.
    manager TEXT,
    manager_key TEXT COLLATE "C",
    manager_id TEXT COLLATE "C",
    roles TEXT NOT NULL DEFAULT '[]',
    company TEXT,
    language TEXT,
    time_zone TEXT,
    user_type TEXT NOT NULL DEFAULT 'requester',
    is_vip INTEGER NOT NULL DEFAULT 0,
    custom_fields TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL,
    is_tenant_admin INTEGER NOT NULL DEFAULT 0,
    admin_role TEXT,
    managed_by TEXT COLLATE "C",
    -- userName, which the mapping may make something else of.
    scim_user_name_key TEXT COLLATE "C",
    external_id TEXT COLLATE "C",
    -- When the identity provider deleted the user, who is out of its sight from then on.
    left_at BIGINT,
    purge_at BIGINT,
    -- Whether a change of the status waits for an administrator.
    held INTEGER NOT NULL DEFAULT 0,
    -- The identity provider's word, and the same in the form that filters search.
    scim_document TEXT NOT NULL DEFAULT '{}',
    search_document JSONB NOT NULL DEFAULT '{}',
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_user_name ON users (user_name_key) WHERE status <> 'archived';
-- Who has a name, whether or not it is free.
CREATE INDEX users_user_name_key ON users (user_name_key);
CREATE UNIQUE INDEX users_scim_user_name ON users (managed_by, scim_user_name_key)
    WHERE left_at IS NULL;
CREATE UNIQUE INDEX users_external_id ON users (managed_by, external_id)
    WHERE left_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX users_managed ON users (managed_by, id);
CREATE INDEX users_modified ON users (managed_by, updated_at, id);
CREATE INDEX users_email ON users (email_key, managed_by);
CREATE INDEX users_waiting ON users (managed_by, manager_key) WHERE manager_id IS NULL;
CREATE INDEX users_purged ON users (purge_at) WHERE purge_at IS NOT NULL;
CREATE INDEX users_protected ON users (id) WHERE is_tenant_admin = 1;

-- Every e-mail address of a managed user, for lookups.
CREATE TABLE user_emails (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type_key TEXT COLLATE "C",
    value_key TEXT COLLATE "C" NOT NULL
);
CREATE INDEX user_emails_value ON user_emails (value_key);
CREATE INDEX user_emails_user ON user_emails (user_id);

CREATE TABLE groups (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL DEFAULT 'requester_group',
    -- The group rule that says so.
    rule_key TEXT,
    managed_by TEXT COLLATE "C",
    -- displayName, which the mapping may make something else of.
    scim_name_key TEXT COLLATE "C",
    external_id TEXT COLLATE "C",
    scim_document TEXT NOT NULL DEFAULT '{}',
    search_document JSONB NOT NULL DEFAULT '{}',
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX groups_name ON groups (managed_by, name_key);
CREATE UNIQUE INDEX groups_scim_name ON groups (managed_by, scim_name_key);
CREATE UNIQUE INDEX groups_external_id ON groups (managed_by, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX groups_managed ON groups (managed_by, id);

CREATE TABLE group_members (
    group_id TEXT COLLATE "C" NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    member_id TEXT COLLATE "C" NOT NULL,
    member_kind TEXT NOT NULL,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX group_members_member ON group_members (member_id, group_id);

-- What the members of a group get for as long as they are in it, and what people got by hand.
CREATE TABLE group_grants (
    group_id TEXT COLLATE "C" NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    field TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (group_id, field, value)
);
CREATE TABLE manual_grants (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    field TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, field, value)
);

-- Departments, locations, companies and roles.
CREATE TABLE reference_values (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX reference_values_name ON reference_values (kind, name_key);
INSERT INTO reference_values (id, kind, name, name_key) VALUES
    ('role-service-desk', 'role', 'Service Desk Technician', 'service desk technician'),
    ('role-junior', 'role', 'Junior Technician', 'junior technician'),
    ('role-request', 'role', 'Request Specialist Technician', 'request specialist technician'),
    ('role-problem', 'role', 'Problem Specialist Technician', 'problem specialist technician'),
    ('role-change', 'role', 'Change Specialist Technician', 'change specialist technician'),
    ('role-asset', 'role', 'Asset Specialist Technician', 'asset specialist technician'),
    ('role-patch', 'role', 'Patch Specialist Technician', 'patch specialist technician'),
    ('role-release', 'role', 'Release Specialist Technician', 'release specialist technician'),
    ('role-contract', 'role', 'Contract Manager', 'contract manager'),
    ('role-purchase', 'role', 'Purchase Manager', 'purchase manager');

CREATE TABLE provisioning_configurations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    users INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    identity_provider TEXT NOT NULL,
    profile TEXT NOT NULL,
    policies TEXT NOT NULL,
    guard_reset_at BIGINT,
    -- The active versions of the mappings.
    user_mapping BIGINT NOT NULL DEFAULT 1,
    group_mapping BIGINT NOT NULL DEFAULT 1,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX provisioning_configurations_name ON provisioning_configurations (name_key);

-- Version 0 is the draft; the others never change.
CREATE TABLE mapping_versions (
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    version BIGINT NOT NULL,
    rules TEXT NOT NULL,
    checksum TEXT NOT NULL,
    note TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, resource, version)
);

-- Fields that administrators define, and a counter by which servers see that they changed.
CREATE TABLE custom_fields (
    field_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE field_catalog (
    revision BIGINT NOT NULL
);
INSERT INTO field_catalog (revision) VALUES (1);

CREATE TABLE access_tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    hash TEXT COLLATE "C" NOT NULL,
    sealed TEXT NOT NULL,
    key_id TEXT NOT NULL,
    hint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    last_used_from TEXT,
    last_used_by TEXT
);
CREATE UNIQUE INDEX access_tokens_hash ON access_tokens (hash);
CREATE INDEX access_tokens_configuration ON access_tokens (configuration_id);

-- No foreign key to configurations: the log outlives them.
CREATE TABLE provisioning_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    configuration_id TEXT COLLATE "C" NOT NULL,
    configuration_name TEXT NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_type TEXT,
    resource_id TEXT COLLATE "C",
    resource_name TEXT,
    mapping_version BIGINT,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    scim_type TEXT,
    reason TEXT,
    changes TEXT NOT NULL,
    deviations TEXT NOT NULL,
    duration_micros BIGINT NOT NULL,
    source TEXT,
    user_agent TEXT
);
CREATE INDEX provisioning_events_configuration ON provisioning_events (configuration_id, id);
-- What the guard against mass deprovisioning counts.
CREATE INDEX provisioning_events_departures ON provisioning_events (configuration_id, at)
    WHERE action IN ('block', 'archive', 'delete') AND outcome IN ('success', 'warning')
        AND resource_type = 'User';
CREATE INDEX provisioning_events_resource ON provisioning_events (resource_id, id);

CREATE TABLE audit_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    source TEXT,
    event TEXT NOT NULL,
    object TEXT NOT NULL,
    details TEXT NOT NULL
);

CREATE TABLE accounts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_name ON accounts (name_key);

CREATE TABLE api_keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (name_key);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);

-- Changes of the directory for ServiceOps, written in the transaction of the change.
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    topic TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL
);

-- Changes of a user's status that the guard holds until an administrator decides.
CREATE TABLE held_changes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    deleted INTEGER NOT NULL,
    status TEXT NOT NULL,
    purge_at BIGINT,
    at BIGINT NOT NULL
);
CREATE UNIQUE INDEX held_changes_user ON held_changes (user_id);
CREATE INDEX held_changes_configuration ON held_changes (configuration_id, id);

-- Users that an identity provider wanted to create, and the people who were there already.
CREATE TABLE pending_links (
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attribute TEXT NOT NULL,
    document TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, person_id)
);

-- Rules being applied to stored users, batch by batch.
CREATE TABLE jobs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    position TEXT COLLATE "C",
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    finished INTEGER NOT NULL,
    actor TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL
);
CREATE INDEX jobs_configuration ON jobs (configuration_id, id);
CREATE INDEX jobs_open ON jobs (id) WHERE finished = 0;

-- Which attributes identity providers send, and the last value of each, masked.
CREATE TABLE attributes_seen (
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    resource TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    value_type TEXT NOT NULL,
    times BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    sample TEXT NOT NULL,
    PRIMARY KEY (configuration_id, resource, path)
);
