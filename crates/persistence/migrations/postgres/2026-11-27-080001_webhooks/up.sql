-- Where what changes is sent to; nowhere where the receiver asks for it.
ALTER TABLE streams ADD COLUMN url TEXT;

-- With what is signed, and how it goes.
CREATE TABLE stream_webhooks (
    stream_id TEXT NOT NULL PRIMARY KEY REFERENCES streams (id) ON DELETE CASCADE,
    -- Sealed with a key of the ring, and the one before, with which is signed as well until a time.
    secret TEXT NOT NULL,
    key_id TEXT NOT NULL,
    previous_secret TEXT,
    previous_key_id TEXT,
    previous_until BIGINT,
    -- Since when nothing gets through, how often it was tried, and when it is tried again.
    failing_since BIGINT,
    attempts BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    -- Up to where the changes go that are being sent, so that they are the same when they go again.
    sending BIGINT,
    -- Which server sends, and until when nobody else does.
    lease_owner TEXT,
    lease_until BIGINT NOT NULL
);

-- What was sent, is to be sent by hand, and what was answered.
CREATE TABLE stream_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    stream_id TEXT NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    behind BIGINT NOT NULL,
    up_to BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    at BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    status BIGINT,
    problem TEXT,
    answer TEXT
);
CREATE INDEX stream_deliveries_of ON stream_deliveries (stream_id, id);
CREATE INDEX stream_deliveries_wanted ON stream_deliveries (stream_id, id) WHERE state = 'wanted';
CREATE INDEX stream_deliveries_at ON stream_deliveries (at);
