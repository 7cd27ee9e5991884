DROP TRIGGER authority_of_fields;
DROP TRIGGER authority_of_deleted_configurations;
DROP TRIGGER authority_of_configurations;
DROP TRIGGER authority_of_deleted_tokens;
DROP TRIGGER authority_of_tokens;
DROP TABLE authority;
