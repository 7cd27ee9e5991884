//! Rows of `devices` and `device_links`.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::store::{DeviceLink, ReadDevices, WriteDevices};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::time::{instant, millis};

#[derive(QueryableByName)]
struct FailuresRow {
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    failed_at: Option<i64>,
}

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    account_id: String,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
}

impl ReadDevices for AdminRows<'_> {
    fn device_failures(
        &mut self,
        device: &str,
    ) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
        let mut sql = self
            .connection
            .sql("SELECT failures, failed_at FROM devices WHERE id = ");
        sql.bind(device);
        let row: Option<FailuresRow> = self.connection.row(&sql)?;
        Ok(row.map_or((0, None), |row| (row.failures, row.failed_at.map(instant))))
    }
}

impl WriteDevices for AdminRows<'_> {
    fn count_device_failure(
        &mut self,
        device: &str,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("INSERT INTO devices (id, account_id, failures, failed_at) VALUES (");
        sql.bind(device).push(", ").bind(account).push(", 1, ");
        sql.bind(millis(at));
        sql.push(
            ") ON CONFLICT (id) DO UPDATE SET failures = devices.failures + 1, \
             failed_at = excluded.failed_at",
        );
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn forget_device_failures(&mut self, device: &str) -> Result<(), StoreError> {
        let mut sql = self.connection.sql("DELETE FROM devices WHERE id = ");
        sql.bind(device);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn insert_device_link(&mut self, link: &DeviceLink) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("INSERT INTO device_links (hash, account_id, expires_at) VALUES (");
        sql.bind(&link.hash).push(", ").bind(&link.account);
        sql.push(", ").bind(millis(link.until)).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn take_device_link(&mut self, hash: &str) -> Result<Option<DeviceLink>, StoreError> {
        let mut sql = self
            .connection
            .sql("SELECT account_id, expires_at FROM device_links WHERE hash = ");
        sql.bind(hash);
        let row: Option<LinkRow> = self.connection.row(&sql)?;
        let mut sql = self
            .connection
            .sql("DELETE FROM device_links WHERE hash = ");
        sql.bind(hash);
        // Of two who come at once only one deletes it.
        let taken = self.connection.execute(&sql)? > 0;
        Ok(row.filter(|_| taken).map(|row| DeviceLink {
            hash: hash.to_owned(),
            account: row.account_id,
            until: instant(row.expires_at),
        }))
    }

    fn delete_device_links_of(&mut self, account: &str) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("DELETE FROM device_links WHERE account_id = ");
        sql.bind(account);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn delete_device_links_before(&mut self, time: DateTime<Utc>) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("DELETE FROM device_links WHERE expires_at < ");
        sql.bind(millis(time));
        self.connection.execute(&sql)?;
        Ok(())
    }
}
