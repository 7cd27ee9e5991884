DROP INDEX provisioning_events_kept;
