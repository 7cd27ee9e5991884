-- How often an alert had been told when people were last written to about it.
ALTER TABLE alerts ADD COLUMN mailed BIGINT NOT NULL DEFAULT 0;
UPDATE alerts SET mailed = told WHERE over_at IS NOT NULL;
CREATE INDEX alerts_unmailed ON alerts (id) WHERE mailed < told;
