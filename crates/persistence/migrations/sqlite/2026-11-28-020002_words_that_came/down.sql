DROP TRIGGER users_named_over;
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
