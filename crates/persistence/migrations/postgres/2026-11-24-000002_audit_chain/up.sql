-- Every entry's hash covers the hash before it. Entries that are older than the chain have none.
ALTER TABLE audit_events ADD COLUMN hash TEXT COLLATE "C";
CREATE TABLE audit_chain (
    length BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL
);
INSERT INTO audit_chain (length, hash) VALUES (0, '');
