DROP INDEX runs_of_kind;
