ALTER TABLE instance DROP COLUMN doubted_at;
ALTER TABLE instance DROP COLUMN doubted_since;
