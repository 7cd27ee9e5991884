-- How many there are of what a configuration has, kept instead of counted: the users and groups that
-- it sees, and all users that it manages by their status. Triggers keep it, so that no way of
-- writing can forget to.
CREATE TABLE resource_totals (
    configuration_id TEXT NOT NULL,
    counted TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, counted)
) WITHOUT ROWID;

CREATE TRIGGER users_counted_in AFTER INSERT ON users WHEN NEW.managed_by IS NOT NULL
BEGIN
    INSERT INTO resource_totals VALUES (NEW.managed_by, NEW.status, 1)
        ON CONFLICT DO UPDATE SET amount = amount + 1;
    INSERT INTO resource_totals SELECT NEW.managed_by, 'users', 1
        WHERE NEW.is_tenant_admin = 0 AND NEW.left_at IS NULL
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER users_counted_out AFTER DELETE ON users WHEN OLD.managed_by IS NOT NULL
BEGIN
    INSERT INTO resource_totals VALUES (OLD.managed_by, OLD.status, -1)
        ON CONFLICT DO UPDATE SET amount = amount - 1;
    INSERT INTO resource_totals SELECT OLD.managed_by, 'users', -1
        WHERE OLD.is_tenant_admin = 0 AND OLD.left_at IS NULL
        ON CONFLICT DO UPDATE SET amount = amount - 1;
END;
CREATE TRIGGER users_counted_by_status AFTER UPDATE OF managed_by, status ON users
WHEN OLD.managed_by IS NOT NEW.managed_by OR OLD.status <> NEW.status
BEGIN
    INSERT INTO resource_totals SELECT OLD.managed_by, OLD.status, -1
        WHERE OLD.managed_by IS NOT NULL
        ON CONFLICT DO UPDATE SET amount = amount - 1;
    INSERT INTO resource_totals SELECT NEW.managed_by, NEW.status, 1
        WHERE NEW.managed_by IS NOT NULL
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER users_counted_by_sight AFTER UPDATE OF managed_by, is_tenant_admin, left_at ON users
WHEN OLD.managed_by IS NOT NEW.managed_by
    OR (OLD.is_tenant_admin = 0 AND OLD.left_at IS NULL)
        <> (NEW.is_tenant_admin = 0 AND NEW.left_at IS NULL)
BEGIN
    INSERT INTO resource_totals SELECT OLD.managed_by, 'users', -1
        WHERE OLD.managed_by IS NOT NULL AND OLD.is_tenant_admin = 0 AND OLD.left_at IS NULL
        ON CONFLICT DO UPDATE SET amount = amount - 1;
    INSERT INTO resource_totals SELECT NEW.managed_by, 'users', 1
        WHERE NEW.managed_by IS NOT NULL AND NEW.is_tenant_admin = 0 AND NEW.left_at IS NULL
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER groups_counted_in AFTER INSERT ON groups WHEN NEW.managed_by IS NOT NULL
BEGIN
    INSERT INTO resource_totals VALUES (NEW.managed_by, 'groups', 1)
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;
CREATE TRIGGER groups_counted_out AFTER DELETE ON groups WHEN OLD.managed_by IS NOT NULL
BEGIN
    INSERT INTO resource_totals VALUES (OLD.managed_by, 'groups', -1)
        ON CONFLICT DO UPDATE SET amount = amount - 1;
END;
CREATE TRIGGER groups_counted_by_sight AFTER UPDATE OF managed_by ON groups
WHEN OLD.managed_by IS NOT NEW.managed_by
BEGIN
    INSERT INTO resource_totals SELECT OLD.managed_by, 'groups', -1
        WHERE OLD.managed_by IS NOT NULL
        ON CONFLICT DO UPDATE SET amount = amount - 1;
    INSERT INTO resource_totals SELECT NEW.managed_by, 'groups', 1
        WHERE NEW.managed_by IS NOT NULL
        ON CONFLICT DO UPDATE SET amount = amount + 1;
END;

INSERT INTO resource_totals SELECT managed_by, status, count(*) FROM users
    WHERE managed_by IS NOT NULL GROUP BY managed_by, status;
INSERT INTO resource_totals SELECT managed_by, 'users', count(*) FROM users
    WHERE managed_by IS NOT NULL AND is_tenant_admin = 0 AND left_at IS NULL GROUP BY managed_by;
INSERT INTO resource_totals SELECT managed_by, 'groups', count(*) FROM groups
    WHERE managed_by IS NOT NULL GROUP BY managed_by;

-- Who left, and when: the guard looks at a window of time.
CREATE INDEX users_left ON users (managed_by, left_at) WHERE left_at IS NOT NULL;
-- The same entries, counted without reading them.
DROP INDEX provisioning_events_departures;
CREATE INDEX provisioning_events_departures
    ON provisioning_events (configuration_id, at, action, outcome, resource_type)
    WHERE action IN ('block', 'archive', 'delete') AND outcome IN ('success', 'warning')
        AND resource_type = 'User';
