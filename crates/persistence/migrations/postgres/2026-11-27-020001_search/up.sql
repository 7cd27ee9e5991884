-- By which words people are found, whoever writes them: triggers keep them, so that no way of writing
-- can forget to. A word stands as it is written in the columns that are folded already.
CREATE TABLE person_terms (
    person_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    term TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (person_id, term)
);
CREATE INDEX person_terms_term ON person_terms (term, person_id);

-- Up to which id the people who were there before have theirs; without a row all of them have.
CREATE TABLE person_terms_fill (
    position TEXT COLLATE "C" NOT NULL
);
INSERT INTO person_terms_fill (position) SELECT '' WHERE EXISTS (SELECT 1 FROM users);

-- By which words an attempt is found that no person here stands for, and by which names a person
-- was known before. The application writes them with the entry.
CREATE TABLE event_terms (
    event_id BIGINT NOT NULL REFERENCES provisioning_events (id) ON DELETE CASCADE,
    term TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (event_id, term)
);
CREATE INDEX event_terms_term ON event_terms (term, event_id);

-- What identity providers looked for and did not find.
CREATE TABLE look_ups (
    configuration_id TEXT COLLATE "C" NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    value_key TEXT COLLATE "C" NOT NULL,
    value TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    PRIMARY KEY (configuration_id, attribute, value_key)
);
CREATE INDEX look_ups_value ON look_ups (value_key, last_at);
CREATE INDEX look_ups_last ON look_ups (last_at);
CREATE INDEX look_ups_newest ON look_ups (configuration_id, last_at);

-- What administrators did to somebody, and who waits to be linked under a name.
CREATE INDEX audit_events_object ON audit_events (object, id);
CREATE INDEX link_candidates_candidate ON link_candidates (candidate_key);

CREATE FUNCTION person_words(r users) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT left(word, 200) FROM (
        SELECT unnest(ARRAY[r.user_name_key, r.scim_user_name_key, r.display_key, r.email_key,
            r.external_id, r.search_document #>> '{name,givenName}',
            r.search_document #>> '{name,familyName}'])
        UNION ALL
        SELECT regexp_split_to_table(concat_ws(' ', split_part(r.user_name_key, '@', 1),
            split_part(r.scim_user_name_key, '@', 1), r.display_key,
            split_part(r.email_key, '@', 1), r.search_document #>> '{name,givenName}',
            r.search_document #>> '{name,familyName}'), '[ ._+-]+')
    ) AS words (word) WHERE word <> ''
$$;

CREATE FUNCTION name_users_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO person_terms (person_id, term)
        SELECT r.id, w FROM added r, person_words(CAST(ROW(r.*) AS users)) w;
    RETURN NULL;
END $$;
CREATE TRIGGER users_named_in AFTER INSERT ON users
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION name_users_in();

CREATE FUNCTION name_users_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM person_terms WHERE person_id = NEW.id;
    INSERT INTO person_terms (person_id, term) SELECT NEW.id, w FROM person_words(NEW) w;
    RETURN NULL;
END $$;
CREATE TRIGGER users_named_over AFTER UPDATE ON users FOR EACH ROW
    WHEN ((
        OLD.user_name_key, OLD.scim_user_name_key, OLD.display_key, OLD.email_key,
        OLD.external_id, OLD.first_name, OLD.last_name)
        IS DISTINCT FROM (
        NEW.user_name_key, NEW.scim_user_name_key, NEW.display_key, NEW.email_key,
        NEW.external_id, NEW.first_name, NEW.last_name))
    EXECUTE FUNCTION name_users_over();
