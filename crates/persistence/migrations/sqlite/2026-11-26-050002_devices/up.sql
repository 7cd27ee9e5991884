-- Devices from which somebody failed to sign in; of those that did not nothing is kept here.
CREATE TABLE devices (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    failures BIGINT NOT NULL,
    failed_at BIGINT
);
CREATE INDEX devices_account ON devices (account_id);
-- Links that make a browser a known device of an account, once.
CREATE TABLE device_links (
    hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_links_account ON device_links (account_id);
