-- The person in the directory whose account it is: it ends when the person does. No foreign key:
-- an account whose person was deleted stays bound, and closed.
ALTER TABLE accounts ADD COLUMN user_id TEXT COLLATE "C";
CREATE INDEX accounts_user ON accounts (user_id) WHERE user_id IS NOT NULL;
-- The account that made a key in the console. Of keys from before, the audit says who that was: no
-- account is called like the command line or a key.
ALTER TABLE api_keys ADD COLUMN account_id TEXT COLLATE "C";
CREATE INDEX api_keys_account ON api_keys (account_id) WHERE account_id IS NOT NULL;
UPDATE api_keys SET account_id = (
    SELECT a.id FROM audit_events e JOIN accounts a ON a.name = e.actor AND a.created_at <= e.at
    WHERE e.event = 'api_key.created' AND e.object = api_keys.name
    ORDER BY e.id DESC LIMIT 1
);
