DROP TRIGGER authority_of_fields ON field_catalog;
DROP TRIGGER authority_of_deleted_configurations ON provisioning_configurations;
DROP TRIGGER authority_of_configurations ON provisioning_configurations;
DROP TRIGGER authority_of_deleted_tokens ON access_tokens;
DROP TRIGGER authority_of_tokens ON access_tokens;
DROP FUNCTION change_authority();
DROP TABLE authority;
