-- Keys without white space at either end suit the version before as well.
SELECT 1;
