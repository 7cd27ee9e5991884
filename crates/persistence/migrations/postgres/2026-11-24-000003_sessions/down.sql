ALTER TABLE accounts DROP COLUMN failed_at;
ALTER TABLE accounts DROP COLUMN failures;
DROP TABLE sessions;
