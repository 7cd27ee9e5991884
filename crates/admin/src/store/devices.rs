//! Rows of devices from which accounts signed in, and of the links that make them known.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

/// A link that makes a browser a known device of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLink {
    /// The hash of its secret.
    pub hash: String,
    /// The id of the account.
    pub account: String,
    /// Until when it is good.
    pub until: DateTime<Utc>,
}

/// Reading devices.
pub trait ReadDevices {
    /// How often sign-ins failed from a device since one last did not, and when the last one did.
    ///
    /// # Errors
    /// A fault of the store.
    fn device_failures(&mut self, device: &str)
    -> Result<(i64, Option<DateTime<Utc>>), StoreError>;
}

/// Changing devices and their links.
pub trait WriteDevices {
    /// Counts a sign-in that failed from a device that the account knows.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_device_failure(
        &mut self,
        device: &str,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Forgets the sign-ins that failed from a device.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_device_failures(&mut self, device: &str) -> Result<(), StoreError>;

    /// Inserts a link.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_device_link(&mut self, link: &DeviceLink) -> Result<(), StoreError>;

    /// Deletes the links of an account.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_device_links_of(&mut self, account: &str) -> Result<(), StoreError>;

    /// Deletes the links that nobody can use any more.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_device_links_before(&mut self, time: DateTime<Utc>) -> Result<(), StoreError>;
}

/// What becomes of links by being presented.
pub trait KeepDevices {
    /// Deletes a link and answers it; of two who take it at once one finds it.
    ///
    /// # Errors
    /// A fault of the store.
    fn take_device_link(&mut self, hash: &str) -> Result<Option<DeviceLink>, StoreError>;
}
