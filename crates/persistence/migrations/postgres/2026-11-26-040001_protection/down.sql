CREATE OR REPLACE FUNCTION count_groups_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, 'groups', count(*) FROM added
            WHERE managed_by IS NOT NULL GROUP BY managed_by;
    PERFORM fold_resource_totals(managed_by) FROM added LIMIT 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION count_groups_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT managed_by, 'groups', -count(*) FROM removed
            WHERE managed_by IS NOT NULL GROUP BY managed_by;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION count_groups_by_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO resource_totals (configuration_id, counted, amount)
        SELECT OLD.managed_by, 'groups', -1 WHERE OLD.managed_by IS NOT NULL
        UNION ALL SELECT NEW.managed_by, 'groups', 1 WHERE NEW.managed_by IS NOT NULL;
    PERFORM fold_resource_totals(COALESCE(NEW.managed_by, OLD.managed_by));
    RETURN NULL;
END $$;
DROP TRIGGER groups_counted_by_sight ON groups;
CREATE TRIGGER groups_counted_by_sight AFTER UPDATE OF managed_by ON groups FOR EACH ROW
    WHEN (OLD.managed_by IS DISTINCT FROM NEW.managed_by)
    EXECUTE FUNCTION count_groups_by_sight();
DELETE FROM reference_values WHERE kind = 'role' AND privileged = 1;
ALTER TABLE reference_values DROP COLUMN privileged;
DROP INDEX groups_by_hand;
DROP INDEX groups_protected;
DROP INDEX groups_visible;
ALTER TABLE groups DROP COLUMN confers_admin;
