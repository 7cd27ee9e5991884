ALTER TABLE access_tokens DROP COLUMN signed_by;
DROP TABLE instance_keys;
DROP TABLE instance;
