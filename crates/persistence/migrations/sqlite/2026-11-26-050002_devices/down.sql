DROP TABLE device_links;
DROP TABLE devices;
