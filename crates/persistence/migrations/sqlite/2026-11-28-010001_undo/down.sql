ALTER TABLE runs DROP COLUMN forgotten;
