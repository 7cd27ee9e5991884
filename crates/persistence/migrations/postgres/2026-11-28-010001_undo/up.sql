-- The first change of a resource by a run is found without reading the others.
CREATE INDEX run_images_first ON run_images (resource_id, run, id);
DROP INDEX run_images_resource;
-- Whether what was before a run is not kept any more, or not all of it.
ALTER TABLE runs ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
