-- The userName of a user and the displayName of a group are compared without white space at either end.
-- A name that somebody else has without it stays as it is. Names of more than 800 bytes have a hash for
-- a key, and get theirs when they are written next.
WITH white (characters) AS (SELECT char(9, 10, 11, 12, 13, 32, 133, 160, 5760,
    8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288))
UPDATE users
SET scim_user_name_key = clean.name,
    search_document = json_set(search_document, '$.userName', clean.name)
FROM (
    SELECT id, managed_by, left_at, name,
        row_number() OVER (PARTITION BY managed_by, name, left_at IS NULL ORDER BY id) AS place
    FROM (
        SELECT id, managed_by, left_at, json_extract(search_document, '$.userName') AS told,
            trim(json_extract(search_document, '$.userName'), characters) AS name
        FROM users, white
        WHERE scim_user_name_key IS NOT NULL) AS found
    WHERE told <> name AND length(CAST(name AS BLOB)) <= 800) AS clean
WHERE clean.id = users.id AND (clean.left_at IS NOT NULL OR (clean.place = 1 AND NOT EXISTS (
        SELECT 1 FROM users o
        WHERE o.scim_user_name_key = clean.name AND o.managed_by = clean.managed_by AND o.left_at IS NULL)));

WITH white (characters) AS (SELECT char(9, 10, 11, 12, 13, 32, 133, 160, 5760,
    8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288))
UPDATE groups
SET scim_name_key = clean.name,
    search_document = json_set(search_document, '$.displayName', clean.name)
FROM (
    SELECT id, managed_by, name,
        row_number() OVER (PARTITION BY managed_by, name ORDER BY id) AS place
    FROM (
        SELECT id, managed_by, json_extract(search_document, '$.displayName') AS told,
            trim(json_extract(search_document, '$.displayName'), characters) AS name
        FROM groups, white
        WHERE scim_name_key IS NOT NULL) AS found
    WHERE told <> name AND length(CAST(name AS BLOB)) <= 800) AS clean
WHERE clean.id = groups.id AND clean.place = 1 AND NOT EXISTS (
        SELECT 1 FROM groups o
        WHERE o.scim_name_key = clean.name AND o.managed_by = clean.managed_by);

-- By whatever a manager is named: the userName may be it.
WITH white (characters) AS (SELECT char(9, 10, 11, 12, 13, 32, 133, 160, 5760,
    8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288))
UPDATE users SET manager_key = trim(manager_key, characters)
FROM white
WHERE manager_key <> trim(manager_key, characters) AND length(CAST(manager AS BLOB)) <= 700;

-- Who waits to be linked under a name; what is asked of one person under the same name is one.
WITH white (characters) AS (SELECT char(9, 10, 11, 12, 13, 32, 133, 160, 5760,
    8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288))
UPDATE link_candidates SET candidate_key = trim(candidate_key, characters)
FROM white
WHERE candidate_key <> trim(candidate_key, characters) AND NOT EXISTS (
    SELECT 1 FROM link_candidates o
    WHERE o.configuration_id = link_candidates.configuration_id
        AND o.person_id = link_candidates.person_id
        AND trim(o.candidate_key, characters) = trim(link_candidates.candidate_key, characters)
        AND o.candidate_key <> link_candidates.candidate_key);
