-- What needs somebody, or did: of a thing one alert of a kind is open at a time. What is said of it
-- stands in the record, of which the feed is told each time that it is told.
CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    thing_id TEXT NOT NULL,
    thing_name TEXT NOT NULL,
    configuration_id TEXT,
    cause TEXT,
    amount BIGINT,
    ends_at BIGINT,
    since_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    over_at BIGINT,
    told BIGINT NOT NULL,
    record TEXT NOT NULL
);
CREATE UNIQUE INDEX alerts_open ON alerts (kind, thing_id) WHERE over_at IS NULL;
CREATE INDEX alerts_over ON alerts (over_at) WHERE over_at IS NOT NULL;

-- Which server does something that one does at a time, and until when no other does.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TRIGGER alerts_fed_in AFTER INSERT ON alerts BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'alert', NEW.id,
            NEW.thing_name, NEW.told, NULL, NEW.record, NULL, NULL);
END;
CREATE TRIGGER alerts_fed_over AFTER UPDATE ON alerts WHEN OLD.told IS NOT NEW.told BEGIN
    INSERT INTO feed_changes
        (at, subject, resource_id, resource_name, version, old, new, actor, run)
        VALUES (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'alert', NEW.id,
            NEW.thing_name, NEW.told, OLD.record, NEW.record, NULL, NULL);
END;
