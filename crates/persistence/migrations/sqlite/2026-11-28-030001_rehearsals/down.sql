ALTER TABLE provisioning_configurations DROP COLUMN rehearsal_stage;
ALTER TABLE provisioning_configurations DROP COLUMN rehearsal;
DROP TABLE rehearsal_base;
DROP TABLE rehearsals;
