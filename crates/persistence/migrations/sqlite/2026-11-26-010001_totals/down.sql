DROP INDEX provisioning_events_departures;
CREATE INDEX provisioning_events_departures ON provisioning_events (configuration_id, at)
    WHERE action IN ('block', 'archive', 'delete') AND outcome IN ('success', 'warning')
        AND resource_type = 'User';
DROP INDEX users_left;
DROP TRIGGER groups_counted_by_sight;
DROP TRIGGER groups_counted_out;
DROP TRIGGER groups_counted_in;
DROP TRIGGER users_counted_by_sight;
DROP TRIGGER users_counted_by_status;
DROP TRIGGER users_counted_out;
DROP TRIGGER users_counted_in;
DROP TABLE resource_totals;
