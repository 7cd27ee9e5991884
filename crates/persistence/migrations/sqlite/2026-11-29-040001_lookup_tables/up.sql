-- Tables of values, which rules of all configurations look values up in. A version never changes.
CREATE TABLE lookup_tables (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    -- The titles, as a list.
    titles TEXT NOT NULL,
    -- A list of lists, in the order of the titles.
    entries TEXT NOT NULL,
    entry_count BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

-- Which version of which table the rules of a version use, by name.
ALTER TABLE mapping_versions ADD COLUMN tables TEXT NOT NULL DEFAULT '{}';
