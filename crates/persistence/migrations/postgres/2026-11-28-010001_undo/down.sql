ALTER TABLE runs DROP COLUMN forgotten;
CREATE INDEX run_images_resource ON run_images (resource_id, run);
DROP INDEX run_images_first;
