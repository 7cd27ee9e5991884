DROP TRIGGER groups_counted_in;
DROP TRIGGER groups_counted_out;
DROP TRIGGER groups_counted_by_sight;
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
DELETE FROM reference_values WHERE kind = 'role' AND privileged = 1;
ALTER TABLE reference_values DROP COLUMN privileged;
DROP INDEX groups_by_hand;
DROP INDEX groups_protected;
DROP INDEX groups_visible;
ALTER TABLE groups DROP COLUMN confers_admin;
