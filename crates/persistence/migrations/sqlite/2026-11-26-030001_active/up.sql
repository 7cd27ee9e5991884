-- Of whom nobody said whether they are active, it is said now: they are found by it. What was
-- blocked by hand is shown as it was.
UPDATE users SET
    scim_document = json_set(scim_document, '$.active', json('true')),
    search_document = json_set(search_document, '$.active', json('true')),
    version = version + 1
WHERE managed_by IS NOT NULL AND json_type(scim_document, '$.active') IS NULL
    AND json_type(scim_document, '$.userName') IS NOT NULL;
