-- Every user whom an identity provider wanted to create and who met a person created by hand; a
-- later one takes the place of no other.
CREATE TABLE link_candidates (
    id TEXT NOT NULL PRIMARY KEY,
    configuration_id TEXT NOT NULL
        REFERENCES provisioning_configurations (id) ON DELETE CASCADE,
    person_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- userName of the user, folded.
    candidate_key TEXT NOT NULL,
    attribute TEXT NOT NULL,
    document TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE UNIQUE INDEX link_candidates_user
    ON link_candidates (configuration_id, person_id, candidate_key);
CREATE INDEX link_candidates_person ON link_candidates (person_id);
CREATE INDEX link_candidates_place ON link_candidates (configuration_id, id);
INSERT INTO link_candidates
    SELECT person_id || '.' || configuration_id, configuration_id, person_id,
        lower(COALESCE(json_extract(document, '$.userName'), '')), attribute, document, at
    FROM pending_links;
