-- Of whom nobody said whether they are active, it is said now: they are found by it. What was
-- blocked by hand is shown as it was.
-- The text keeps its order and its numbers.
UPDATE users SET
    scim_document = left(scim_document, -1) || ',"active":true}',
    search_document = search_document || '{"active": true}',
    version = version + 1
WHERE managed_by IS NOT NULL AND search_document -> 'active' IS NULL
    AND scim_document::jsonb ? 'userName';
