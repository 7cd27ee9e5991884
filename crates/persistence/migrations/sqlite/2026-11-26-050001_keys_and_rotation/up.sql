-- What a key may be used for; a key from before has what its role may.
ALTER TABLE api_keys ADD COLUMN scopes TEXT;
CREATE INDEX api_keys_made_by ON api_keys (made_by) WHERE made_by IS NOT NULL;
-- The key that made a token, which ends with it.
ALTER TABLE access_tokens ADD COLUMN made_by TEXT;
CREATE INDEX access_tokens_made_by ON access_tokens (made_by) WHERE made_by IS NOT NULL;
-- The token that takes the place of this one: when it was first used, this one goes on for so many
-- milliseconds, and ends then.
ALTER TABLE access_tokens ADD COLUMN replaced_by TEXT;
ALTER TABLE access_tokens ADD COLUMN retire_after BIGINT;
ALTER TABLE access_tokens ADD COLUMN retire_at BIGINT;
ALTER TABLE access_tokens ADD COLUMN first_used_at BIGINT;
UPDATE access_tokens SET first_used_at = last_used_at;
-- Whether the audit says that the token has ended.
ALTER TABLE access_tokens ADD COLUMN end_noted INTEGER NOT NULL DEFAULT 0;
