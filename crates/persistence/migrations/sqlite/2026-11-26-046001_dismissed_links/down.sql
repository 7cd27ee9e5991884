DELETE FROM link_candidates WHERE dismissed_at IS NOT NULL;
ALTER TABLE link_candidates DROP COLUMN dismissed_at;
