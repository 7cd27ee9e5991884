DROP TABLE leases;
DROP TABLE alerts;
DELETE FROM feed_changes WHERE subject = 'alert';
