-- What is written, and deleted again, to see whether a database takes writes after it did not.
CREATE TABLE write_probe (
    filler TEXT NOT NULL
);
