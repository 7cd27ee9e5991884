-- By which words people are found, whoever writes them: triggers keep them, so that no way of writing
-- can forget to. A word stands as it is written in the columns that are folded already.
CREATE TABLE person_terms (
    person_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    term TEXT NOT NULL,
    PRIMARY KEY (person_id, term)
);
CREATE INDEX person_terms_term ON person_terms (term, person_id);

-- Up to which id the people who were there before have theirs; without a row all of them have.
CREATE TABLE person_terms_fill (
    position TEXT NOT NULL
);
INSERT INTO person_terms_fill (position) SELECT '' WHERE EXISTS (SELECT 1 FROM users);

-- By which words an attempt is found that no person here stands for, and by which names a person
-- was known before. The application writes them with the entry.
CREATE TABLE event_terms (
    event_id BIGINT NOT NULL,
    term TEXT NOT NULL,
    PRIMARY KEY (event_id, term)
);
CREATE INDEX event_terms_term ON event_terms (term, event_id);
-- With a foreign key, whoever writes an entry would look for words that are there before it.
CREATE TRIGGER provisioning_events_unnamed AFTER DELETE ON provisioning_events BEGIN
    DELETE FROM event_terms WHERE event_id = OLD.id;
END;

-- What identity providers looked for and did not find.
CREATE TABLE look_ups (
    configuration_id TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value_key TEXT NOT NULL,
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

CREATE VIEW person_words AS
    SELECT u.id AS person_id, substr(w.value, 1, 200) AS term
    FROM users u, json_each(json_array(
        u.user_name_key, u.scim_user_name_key, u.display_key, u.email_key, u.external_id,
        json_extract(u.search_document, '$.name.givenName'),
        json_extract(u.search_document, '$.name.familyName'))) w
    WHERE w.value <> ''
    UNION ALL
    SELECT u.id AS person_id, substr(w.value, 1, 200) AS term
    FROM users u, json_each('[' || replace(replace(replace(replace(replace(json_quote(
        substr(u.user_name_key, 1, instr(u.user_name_key || '@', '@') - 1) || ' '
        || coalesce(substr(u.scim_user_name_key, 1, instr(u.scim_user_name_key || '@', '@') - 1), '')
        || ' ' || u.display_key || ' '
        || coalesce(substr(u.email_key, 1, instr(u.email_key || '@', '@') - 1), '') || ' '
        || coalesce(json_extract(u.search_document, '$.name.givenName'), '') || ' '
        || coalesce(json_extract(u.search_document, '$.name.familyName'), '')
        ), '.', ' '), '_', ' '), '-', ' '), '+', ' '), ' ', '","') || ']') w
    WHERE w.value <> '';

CREATE TRIGGER users_named_in AFTER INSERT ON users BEGIN
    INSERT INTO person_terms (person_id, term)
        SELECT DISTINCT person_id, term FROM person_words WHERE person_id = NEW.id;
END;
CREATE TRIGGER users_named_over AFTER UPDATE ON users
WHEN (
    OLD.user_name_key, OLD.scim_user_name_key, OLD.display_key, OLD.email_key, OLD.external_id,
    OLD.first_name, OLD.last_name)
    IS NOT (
    NEW.user_name_key, NEW.scim_user_name_key, NEW.display_key, NEW.email_key, NEW.external_id,
    NEW.first_name, NEW.last_name)
BEGIN
    DELETE FROM person_terms WHERE person_id = NEW.id;
    INSERT INTO person_terms (person_id, term)
        SELECT DISTINCT person_id, term FROM person_words WHERE person_id = NEW.id;
END;
