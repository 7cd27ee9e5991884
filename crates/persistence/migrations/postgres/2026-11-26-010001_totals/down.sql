DROP INDEX provisioning_events_departures;
CREATE INDEX provisioning_events_departures ON provisioning_events (configuration_id, at)
    WHERE action IN ('block', 'archive', 'delete') AND outcome IN ('success', 'warning')
        AND resource_type = 'User';
DROP INDEX users_left;
DROP TRIGGER groups_counted_by_sight ON groups;
DROP TRIGGER groups_counted_out ON groups;
DROP TRIGGER groups_counted_in ON groups;
DROP TRIGGER users_counted_by_sight ON users;
DROP TRIGGER users_counted_by_status ON users;
DROP TRIGGER users_counted_out ON users;
DROP TRIGGER users_counted_in ON users;
DROP FUNCTION count_groups_by_sight;
DROP FUNCTION count_groups_out;
DROP FUNCTION count_groups_in;
DROP FUNCTION count_users_by_sight;
DROP FUNCTION count_users_by_status;
DROP FUNCTION count_users_out;
DROP FUNCTION count_users_in;
DROP FUNCTION fold_resource_totals;
DROP TABLE resource_totals;
