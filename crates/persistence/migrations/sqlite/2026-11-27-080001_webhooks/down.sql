DROP TABLE stream_deliveries;
DROP TABLE stream_webhooks;
ALTER TABLE streams DROP COLUMN url;
