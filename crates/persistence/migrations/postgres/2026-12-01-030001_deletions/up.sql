-- The run that deletes the configuration, while that is under way. A program that does not know it
-- takes the configuration for one that is disabled.
ALTER TABLE provisioning_configurations ADD COLUMN deletion TEXT COLLATE "C";
CREATE INDEX provisioning_configurations_deleted ON provisioning_configurations (deletion)
    WHERE deletion IS NOT NULL;
