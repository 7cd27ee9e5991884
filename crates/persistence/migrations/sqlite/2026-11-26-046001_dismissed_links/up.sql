-- When an administrator dismissed the link; one that waits has none.
ALTER TABLE link_candidates ADD COLUMN dismissed_at BIGINT;
