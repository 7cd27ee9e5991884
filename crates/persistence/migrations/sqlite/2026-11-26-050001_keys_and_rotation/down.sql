ALTER TABLE access_tokens DROP COLUMN end_noted;
ALTER TABLE access_tokens DROP COLUMN first_used_at;
ALTER TABLE access_tokens DROP COLUMN retire_at;
ALTER TABLE access_tokens DROP COLUMN retire_after;
ALTER TABLE access_tokens DROP COLUMN replaced_by;
DROP INDEX access_tokens_made_by;
ALTER TABLE access_tokens DROP COLUMN made_by;
DROP INDEX api_keys_made_by;
ALTER TABLE api_keys DROP COLUMN scopes;
