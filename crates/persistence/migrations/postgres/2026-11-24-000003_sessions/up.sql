-- Who is signed in to the console, by the hash of what the browser holds.
CREATE TABLE sessions (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    -- When the password was last entered.
    confirmed_at BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);
-- Failed sign-ins in a row.
ALTER TABLE accounts ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN failed_at BIGINT;
