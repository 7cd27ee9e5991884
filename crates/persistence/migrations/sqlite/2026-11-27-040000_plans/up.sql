-- What applying a document would do, to be carried out by its digest.
CREATE TABLE plans (
    digest TEXT PRIMARY KEY NOT NULL,
    prune INTEGER NOT NULL,
    document TEXT NOT NULL,
    items TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
