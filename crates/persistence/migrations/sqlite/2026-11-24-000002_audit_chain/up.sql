-- Every entry's hash covers the hash before it. Entries that are older than the chain have none.
ALTER TABLE audit_events ADD COLUMN hash TEXT;
CREATE TABLE audit_chain (
    length BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_chain (length, hash) VALUES (0, '');
