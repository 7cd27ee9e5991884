-- What every user has now says what was true before.
SELECT 1;
