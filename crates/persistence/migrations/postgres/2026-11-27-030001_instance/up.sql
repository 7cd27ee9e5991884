-- What is known of the instance whose database this is. There is one row.
CREATE TABLE instance (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    -- The id that its key ring and its tokens name; none until a program used it with a ring.
    instance_id TEXT COLLATE "C",
    -- The migration that a program must know to work on these tables. A migration after which an
    -- older program would do wrong puts its own version here.
    compatible_since TEXT COLLATE "C" NOT NULL,
    -- When time last brought something, by the clock of then.
    kept_up_at BIGINT
);
INSERT INTO instance (one, compatible_since) VALUES (1, '20261127030001');

-- The keys of its ring, never their secrets.
CREATE TABLE instance_keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

-- The key that signed a token, where that is another one than the one that sealed it.
ALTER TABLE access_tokens ADD COLUMN signed_by TEXT COLLATE "C";
