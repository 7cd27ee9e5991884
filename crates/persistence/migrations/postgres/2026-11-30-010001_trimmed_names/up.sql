-- The userName of a user and the displayName of a group are compared without white space at either end.
-- A name that somebody else has without it stays as it is. Names of more than 800 bytes have a hash for
-- a key, and get theirs when they are written next.
WITH white (characters) AS (SELECT concat(chr(9), chr(10), chr(11), chr(12), chr(13), chr(32), chr(133), chr(160), chr(5760),
    chr(8192), chr(8193), chr(8194), chr(8195), chr(8196), chr(8197), chr(8198),
    chr(8199), chr(8200), chr(8201), chr(8202), chr(8232), chr(8233), chr(8239), chr(8287), chr(12288)))
UPDATE users
SET scim_user_name_key = clean.name,
    search_document = jsonb_set(search_document, '{userName}', to_jsonb(clean.name))
FROM (
    SELECT id, managed_by, left_at, name,
        row_number() OVER (PARTITION BY managed_by, name, left_at IS NULL ORDER BY id) AS place
    FROM (
        SELECT id, managed_by, left_at, search_document ->> 'userName' AS told,
            btrim(search_document ->> 'userName', characters) AS name
        FROM users, white
        WHERE scim_user_name_key IS NOT NULL) AS found
    WHERE told <> name AND octet_length(name) <= 800) AS clean
WHERE clean.id = users.id AND (clean.left_at IS NOT NULL OR (clean.place = 1 AND NOT EXISTS (
        SELECT 1 FROM users o
        WHERE o.scim_user_name_key = clean.name AND o.managed_by = clean.managed_by AND o.left_at IS NULL)));

WITH white (characters) AS (SELECT concat(chr(9), chr(10), chr(11), chr(12), chr(13), chr(32), chr(133), chr(160), chr(5760),
    chr(8192), chr(8193), chr(8194), chr(8195), chr(8196), chr(8197), chr(8198),
    chr(8199), chr(8200), chr(8201), chr(8202), chr(8232), chr(8233), chr(8239), chr(8287), chr(12288)))
UPDATE groups
SET scim_name_key = clean.name,
    search_document = jsonb_set(search_document, '{displayName}', to_jsonb(clean.name))
FROM (
    SELECT id, managed_by, name,
        row_number() OVER (PARTITION BY managed_by, name ORDER BY id) AS place
    FROM (
        SELECT id, managed_by, search_document ->> 'displayName' AS told,
            btrim(search_document ->> 'displayName', characters) AS name
        FROM groups, white
        WHERE scim_name_key IS NOT NULL) AS found
    WHERE told <> name AND octet_length(name) <= 800) AS clean
WHERE clean.id = groups.id AND clean.place = 1 AND NOT EXISTS (
        SELECT 1 FROM groups o
        WHERE o.scim_name_key = clean.name AND o.managed_by = clean.managed_by);

-- By whatever a manager is named: the userName may be it.
WITH white (characters) AS (SELECT concat(chr(9), chr(10), chr(11), chr(12), chr(13), chr(32), chr(133), chr(160), chr(5760),
    chr(8192), chr(8193), chr(8194), chr(8195), chr(8196), chr(8197), chr(8198),
    chr(8199), chr(8200), chr(8201), chr(8202), chr(8232), chr(8233), chr(8239), chr(8287), chr(12288)))
UPDATE users SET manager_key = btrim(manager_key, characters)
FROM white
WHERE manager_key <> btrim(manager_key, characters) AND octet_length(manager) <= 700;

-- Who waits to be linked under a name; what is asked of one person under the same name is one.
WITH white (characters) AS (SELECT concat(chr(9), chr(10), chr(11), chr(12), chr(13), chr(32), chr(133), chr(160), chr(5760),
    chr(8192), chr(8193), chr(8194), chr(8195), chr(8196), chr(8197), chr(8198),
    chr(8199), chr(8200), chr(8201), chr(8202), chr(8232), chr(8233), chr(8239), chr(8287), chr(12288)))
UPDATE link_candidates SET candidate_key = btrim(candidate_key, characters)
FROM white
WHERE candidate_key <> btrim(candidate_key, characters) AND NOT EXISTS (
    SELECT 1 FROM link_candidates o
    WHERE o.configuration_id = link_candidates.configuration_id
        AND o.person_id = link_candidates.person_id
        AND btrim(o.candidate_key, characters) = btrim(link_candidates.candidate_key, characters)
        AND o.candidate_key <> link_candidates.candidate_key);
