ALTER TABLE mapping_versions DROP COLUMN tables;
DROP TABLE lookup_tables;
