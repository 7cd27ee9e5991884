-- The words of a person are those of the entry of the provider, which may change while the names here do
-- not, as rules have it.
DROP TRIGGER users_named_over;
CREATE TRIGGER users_named_over AFTER UPDATE ON users
WHEN (
    OLD.user_name_key, OLD.scim_user_name_key, OLD.display_key, OLD.email_key, OLD.external_id)
    IS NOT (
    NEW.user_name_key, NEW.scim_user_name_key, NEW.display_key, NEW.email_key, NEW.external_id)
    OR (OLD.search_document IS NOT NEW.search_document AND (
    json_extract(OLD.search_document, '$.name.givenName'),
    json_extract(OLD.search_document, '$.name.familyName'))
    IS NOT (
    json_extract(NEW.search_document, '$.name.givenName'),
    json_extract(NEW.search_document, '$.name.familyName')))
BEGIN
    DELETE FROM person_terms WHERE person_id = NEW.id;
    INSERT INTO person_terms (person_id, term)
        SELECT DISTINCT person_id, term FROM person_words WHERE person_id = NEW.id;
END;

-- The words of everybody are kept anew, because some may be those of before.
DELETE FROM person_terms_fill;
INSERT INTO person_terms_fill (position) SELECT '' WHERE EXISTS (SELECT 1 FROM users);
