-- While a configuration rehearses, its identity provider is answered from a copy of the directory.
-- The copy is a schema of its own (PostgreSQL) or a file of its own (SQLite), and has these tables too.
CREATE TABLE rehearsals (
    -- Also that of the run which changes the copy.
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    configuration_id TEXT COLLATE "C" NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    began_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    -- What the configuration was before.
    status_before TEXT NOT NULL,
    -- Of one that goes live: its run, and how far that is.
    live_run TEXT COLLATE "C",
    live_actor TEXT,
    phase BIGINT NOT NULL,
    position BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL
);
CREATE UNIQUE INDEX rehearsals_configuration ON rehearsals (configuration_id);

-- In a copy alone: of which version users and groups were when it was made.
CREATE TABLE rehearsal_base (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);

-- A program that does not know them takes the configuration for one that is paused.
ALTER TABLE provisioning_configurations ADD COLUMN rehearsal TEXT COLLATE "C";
ALTER TABLE provisioning_configurations ADD COLUMN rehearsal_stage TEXT;
