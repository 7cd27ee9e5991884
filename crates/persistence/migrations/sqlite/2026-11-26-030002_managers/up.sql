-- Who names whom as a manager, whether or not there is one: who had one that left gets the next.
CREATE INDEX users_manager ON users (manager_key, managed_by) WHERE manager_key IS NOT NULL;
DROP INDEX users_waiting;
