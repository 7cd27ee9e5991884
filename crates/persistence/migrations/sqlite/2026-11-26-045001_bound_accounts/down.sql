DROP INDEX api_keys_account;
ALTER TABLE api_keys DROP COLUMN account_id;
DROP INDEX accounts_user;
ALTER TABLE accounts DROP COLUMN user_id;
