-- What of a configuration was taken back since a time is found without a look at its other runs.
CREATE INDEX runs_of_kind ON runs (configuration_id, kind, began_at);
