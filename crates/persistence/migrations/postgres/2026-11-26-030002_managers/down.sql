CREATE INDEX users_waiting ON users (managed_by, manager_key) WHERE manager_id IS NULL;
DROP INDEX users_manager;
