CREATE OR REPLACE FUNCTION name_users_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM person_terms WHERE person_id = NEW.id;
    INSERT INTO person_terms (person_id, term) SELECT NEW.id, w FROM person_words(NEW) w;
    RETURN NULL;
END $$;
DROP TRIGGER users_named_over ON users;
CREATE TRIGGER users_named_over AFTER UPDATE ON users FOR EACH ROW
    WHEN ((
        OLD.user_name_key, OLD.scim_user_name_key, OLD.display_key, OLD.email_key,
        OLD.external_id, OLD.first_name, OLD.last_name)
        IS DISTINCT FROM (
        NEW.user_name_key, NEW.scim_user_name_key, NEW.display_key, NEW.email_key,
        NEW.external_id, NEW.first_name, NEW.last_name))
    EXECUTE FUNCTION name_users_over();
