//! Rows of `devices` and `device_links`.

use chrono::{DateTime, Utc};
use diesel::upsert::excluded;
use diesel::{ExpressionMethods, QueryDsl};
use scim_admin::store::{DeviceLink, KeepDevices, ReadDevices, WriteDevices};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::engine::on_backend;
use crate::schema::{device_links, devices};
use crate::time::{instant, millis};

impl ReadDevices for AdminRows<'_> {
    fn device_failures(
        &mut self,
        device: &str,
    ) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
        let query = devices::table
            .find(device)
            .select((devices::failures, devices::failed_at));
        let row: Option<(i64, Option<i64>)> = self.connection.first(query)?;
        Ok(row.map_or((0, None), |(failures, at)| (failures, at.map(instant))))
    }
}

impl WriteDevices for AdminRows<'_> {
    fn count_device_failure(
        &mut self,
        device: &str,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let row = (
            devices::id.eq(device),
            devices::account_id.eq(account),
            devices::failures.eq(1),
            devices::failed_at.eq(millis(at)),
        );
        let counted = (
            devices::failures.eq(devices::failures + 1),
            devices::failed_at.eq(excluded(devices::failed_at)),
        );
        on_backend!(
            self.connection,
            execute,
            diesel::insert_into(devices::table)
                .values(row)
                .on_conflict(devices::id)
                .do_update()
                .set(counted)
        )
        .map(drop)
    }

    fn forget_device_failures(&mut self, device: &str) -> Result<(), StoreError> {
        let delete = diesel::delete(devices::table.find(device));
        self.connection.execute(delete).map(drop)
    }

    fn insert_device_link(&mut self, link: &DeviceLink) -> Result<(), StoreError> {
        let insert = diesel::insert_into(device_links::table).values((
            device_links::hash.eq(&link.hash),
            device_links::account_id.eq(&link.account),
            device_links::expires_at.eq(millis(link.until)),
        ));
        self.connection.execute(insert).map(drop)
    }

    fn delete_device_links_of(&mut self, account: &str) -> Result<(), StoreError> {
        let of_account = device_links::table.filter(device_links::account_id.eq(account));
        self.connection
            .execute(diesel::delete(of_account))
            .map(drop)
    }

    fn delete_device_links_before(&mut self, time: DateTime<Utc>) -> Result<(), StoreError> {
        let old = device_links::table.filter(device_links::expires_at.lt(millis(time)));
        self.connection.execute(diesel::delete(old)).map(drop)
    }
}

impl KeepDevices for AdminRows<'_> {
    fn take_device_link(&mut self, hash: &str) -> Result<Option<DeviceLink>, StoreError> {
        // Of two who come at once only one deletes it, and is told what it was.
        let delete = diesel::delete(device_links::table.find(hash))
            .returning((device_links::account_id, device_links::expires_at));
        let row: Option<(String, i64)> = self.connection.first(delete)?;
        Ok(row.map(|(account, until)| DeviceLink {
            hash: hash.to_owned(),
            account,
            until: instant(until),
        }))
    }
}
