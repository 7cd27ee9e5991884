//! Devices and their links in memory.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use super::rows::{Device, Rows};
use crate::store::{DeviceLink, KeepDevices, ReadDevices, WriteDevices};

impl ReadDevices for Rows {
    fn device_failures(
        &mut self,
        device: &str,
    ) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
        let found = self.devices.get(device);
        Ok(found.map_or((0, None), |device| (device.failures, Some(device.failed))))
    }
}

impl WriteDevices for Rows {
    fn count_device_failure(
        &mut self,
        device: &str,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let entry = self.devices.entry(device.to_owned()).or_insert(Device {
            account: account.to_owned(),
            failures: 0,
            failed: at,
        });
        entry.failures += 1;
        entry.failed = at;
        Ok(())
    }

    fn forget_device_failures(&mut self, device: &str) -> Result<(), StoreError> {
        self.devices.remove(device);
        Ok(())
    }

    fn insert_device_link(&mut self, link: &DeviceLink) -> Result<(), StoreError> {
        self.device_links.insert(link.hash.clone(), link.clone());
        Ok(())
    }

    fn delete_device_links_of(&mut self, account: &str) -> Result<(), StoreError> {
        self.device_links.retain(|_, link| link.account != account);
        Ok(())
    }

    fn delete_device_links_before(&mut self, time: DateTime<Utc>) -> Result<(), StoreError> {
        self.device_links.retain(|_, link| link.until >= time);
        Ok(())
    }
}

impl KeepDevices for Rows {
    fn take_device_link(&mut self, hash: &str) -> Result<Option<DeviceLink>, StoreError> {
        Ok(self.device_links.remove(hash))
    }
}
