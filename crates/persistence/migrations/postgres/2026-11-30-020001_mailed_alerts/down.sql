DROP INDEX alerts_unmailed;
ALTER TABLE alerts DROP COLUMN mailed;
