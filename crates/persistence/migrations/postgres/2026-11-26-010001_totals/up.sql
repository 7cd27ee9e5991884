-- How many there are of what a configuration has, kept instead of counted: the users and groups that
-- it sees, and all users that it manages by their status. Triggers keep it, so that no way of
-- writing can forget to. What is added is a row of its own, so that no writer waits for another; the
-- sum of the rows counts.
CREATE TABLE resource_totals (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    configuration_id TEXT COLLATE "C" NOT NULL,
    counted TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL
);
CREATE INDEX resource_totals_of ON resource_totals (configuration_id, counted) INCLUDE (amount);

-- Now and then a writer makes few rows of many. Rows that another one holds are left to the next.
CREATE FUNCTION fold_resource_totals(configuration text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF random() >= 0.02 THEN
        RETURN;
    END IF;
    WITH folded AS (
        DELETE FROM resource_totals WHERE id IN (
            SELECT id FROM resource_totals WHERE configuration_id = configuration
            LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING counted, amount)
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT configuration, counted, sum(amount) FROM folded GROUP BY counted;
END $$;

CREATE FUNCTION count_users_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, status, count(*) FROM added
            WHERE managed_by IS NOT NULL GROUP BY managed_by, status
        UNION ALL SELECT managed_by, 'users', count(*) FROM added
            WHERE managed_by IS NOT NULL AND is_tenant_admin = 0 AND left_at IS NULL
            GROUP BY managed_by;
    PERFORM fold_resource_totals(managed_by) FROM added LIMIT 1;
    RETURN NULL;
END $$;
CREATE TRIGGER users_counted_in AFTER INSERT ON users
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_users_in();

CREATE FUNCTION count_users_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, status, -count(*) FROM removed
            WHERE managed_by IS NOT NULL GROUP BY managed_by, status
        UNION ALL SELECT managed_by, 'users', -count(*) FROM removed
            WHERE managed_by IS NOT NULL AND is_tenant_admin = 0 AND left_at IS NULL
            GROUP BY managed_by;
    RETURN NULL;
END $$;
CREATE TRIGGER users_counted_out AFTER DELETE ON users
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_users_out();

CREATE FUNCTION count_users_by_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT OLD.managed_by, OLD.status, -1 WHERE OLD.managed_by IS NOT NULL
        UNION ALL SELECT NEW.managed_by, NEW.status, 1 WHERE NEW.managed_by IS NOT NULL;
    PERFORM fold_resource_totals(COALESCE(NEW.managed_by, OLD.managed_by));
    RETURN NULL;
END $$;
CREATE TRIGGER users_counted_by_status AFTER UPDATE OF managed_by, status ON users FOR EACH ROW
    WHEN (OLD.managed_by IS DISTINCT FROM NEW.managed_by OR OLD.status <> NEW.status)
    EXECUTE FUNCTION count_users_by_status();

CREATE FUNCTION count_users_by_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT OLD.managed_by, 'users', -1 WHERE OLD.managed_by IS NOT NULL
            AND OLD.is_tenant_admin = 0 AND OLD.left_at IS NULL
        UNION ALL SELECT NEW.managed_by, 'users', 1 WHERE NEW.managed_by IS NOT NULL
            AND NEW.is_tenant_admin = 0 AND NEW.left_at IS NULL;
    PERFORM fold_resource_totals(COALESCE(NEW.managed_by, OLD.managed_by));
    RETURN NULL;
END $$;
CREATE TRIGGER users_counted_by_sight AFTER UPDATE OF managed_by, is_tenant_admin, left_at ON users
    FOR EACH ROW
    WHEN (OLD.managed_by IS DISTINCT FROM NEW.managed_by
        OR (OLD.is_tenant_admin = 0 AND OLD.left_at IS NULL)
            <> (NEW.is_tenant_admin = 0 AND NEW.left_at IS NULL))
    EXECUTE FUNCTION count_users_by_sight();

CREATE FUNCTION count_groups_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, 'groups', count(*) FROM added
            WHERE managed_by IS NOT NULL GROUP BY managed_by;
    PERFORM fold_resource_totals(managed_by) FROM added LIMIT 1;
    RETURN NULL;
END $$;
CREATE TRIGGER groups_counted_in AFTER INSERT ON groups
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_groups_in();

CREATE FUNCTION count_groups_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, 'groups', -count(*) FROM removed
            WHERE managed_by IS NOT NULL GROUP BY managed_by;
    RETURN NULL;
END $$;
CREATE TRIGGER groups_counted_out AFTER DELETE ON groups
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_groups_out();

CREATE FUNCTION count_groups_by_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT OLD.managed_by, 'groups', -1 WHERE OLD.managed_by IS NOT NULL
        UNION ALL SELECT NEW.managed_by, 'groups', 1 WHERE NEW.managed_by IS NOT NULL;
    PERFORM fold_resource_totals(COALESCE(NEW.managed_by, OLD.managed_by));
    RETURN NULL;
END $$;
CREATE TRIGGER groups_counted_by_sight AFTER UPDATE OF managed_by ON groups FOR EACH ROW
    WHEN (OLD.managed_by IS DISTINCT FROM NEW.managed_by)
    EXECUTE FUNCTION count_groups_by_sight();

INSERT INTO resource_totals (configuration_id, counted, amount)
    SELECT managed_by, status, count(*) FROM users
        WHERE managed_by IS NOT NULL GROUP BY managed_by, status
    UNION ALL SELECT managed_by, 'users', count(*) FROM users
        WHERE managed_by IS NOT NULL AND is_tenant_admin = 0 AND left_at IS NULL GROUP BY managed_by
    UNION ALL SELECT managed_by, 'groups', count(*) FROM groups
        WHERE managed_by IS NOT NULL GROUP BY managed_by;

-- Who left, and when: the guard looks at a window of time.
CREATE INDEX users_left ON users (managed_by, left_at) WHERE left_at IS NOT NULL;
-- The same entries, counted without reading them.
DROP INDEX provisioning_events_departures;
CREATE INDEX provisioning_events_departures
    ON provisioning_events (configuration_id, at, action, outcome, resource_type)
    WHERE action IN ('block', 'archive', 'delete') AND outcome IN ('success', 'warning')
        AND resource_type = 'User';
