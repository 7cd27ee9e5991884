-- Since when the clock is not believed, and when it was last looked at while it was not: a server that
-- begins again goes on doubting where the one before was. Nothing where it is believed.
ALTER TABLE instance ADD COLUMN doubted_since BIGINT;
ALTER TABLE instance ADD COLUMN doubted_at BIGINT;
