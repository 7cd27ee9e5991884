-- The words of a person are those of the entry of the provider, which may change while the names here do
-- not, as rules have it.
DROP TRIGGER users_named_over ON users;
CREATE TRIGGER users_named_over AFTER UPDATE ON users FOR EACH ROW
    WHEN ((
        OLD.user_name_key, OLD.scim_user_name_key, OLD.display_key, OLD.email_key,
        OLD.external_id, OLD.search_document #>> '{name,givenName}',
        OLD.search_document #>> '{name,familyName}')
        IS DISTINCT FROM (
        NEW.user_name_key, NEW.scim_user_name_key, NEW.display_key, NEW.email_key,
        NEW.external_id, NEW.search_document #>> '{name,givenName}',
        NEW.search_document #>> '{name,familyName}'))
    EXECUTE FUNCTION name_users_over();

-- A server of the version before keeps words without holding the people whose words they are.
CREATE OR REPLACE FUNCTION name_users_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM person_terms WHERE person_id = NEW.id;
    INSERT INTO person_terms (person_id, term) SELECT NEW.id, w FROM person_words(NEW) w
        ON CONFLICT (person_id, term) DO NOTHING;
    RETURN NULL;
END $$;

-- The words of everybody are kept anew, because some may be those of before.
DELETE FROM person_terms_fill;
INSERT INTO person_terms_fill (position) SELECT '' WHERE EXISTS (SELECT 1 FROM users);
