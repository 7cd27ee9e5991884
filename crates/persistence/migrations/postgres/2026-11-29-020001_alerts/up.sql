-- What needs somebody, or did: of a thing one alert of a kind is open at a time. What is said of it
-- stands in the record, of which the feed is told each time that it is told.
CREATE TABLE alerts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    thing_id TEXT COLLATE "C" NOT NULL,
    thing_name TEXT NOT NULL,
    configuration_id TEXT COLLATE "C",
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
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until BIGINT NOT NULL
);

CREATE FUNCTION feed_alerts_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, new)
        VALUES ('alert', NEW.id, NEW.thing_name, NEW.told, NEW.record);
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_fed_in AFTER INSERT ON alerts FOR EACH ROW
    EXECUTE FUNCTION feed_alerts_in();

CREATE FUNCTION feed_alerts_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (subject, resource_id, resource_name, version, old, new)
        VALUES ('alert', NEW.id, NEW.thing_name, NEW.told, OLD.record, NEW.record);
    RETURN NULL;
END $$;
CREATE TRIGGER alerts_fed_over AFTER UPDATE ON alerts FOR EACH ROW
    WHEN (OLD.told IS DISTINCT FROM NEW.told)
    EXECUTE FUNCTION feed_alerts_over();
