-- At which step a request ended, and why; the entries of older versions do not know it.
ALTER TABLE provisioning_events ADD COLUMN stage TEXT;
ALTER TABLE provisioning_events ADD COLUMN cause TEXT;
-- The administrator who did it, where that was not the identity provider.
ALTER TABLE provisioning_events ADD COLUMN actor TEXT;
-- How many attempts alike an entry stands for.
ALTER TABLE provisioning_events ADD COLUMN occurrences BIGINT NOT NULL DEFAULT 1;
