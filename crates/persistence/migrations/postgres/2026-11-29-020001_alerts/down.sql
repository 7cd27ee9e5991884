DROP TABLE leases;
DROP TABLE alerts;
DROP FUNCTION feed_alerts_over();
DROP FUNCTION feed_alerts_in();
DELETE FROM feed_changes WHERE subject = 'alert';
