//! Rows of alerts, and who raises them.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use crate::alert::{Alert, AlertsQuery};

/// Reading alerts.
pub trait ReadAlerts {
    /// The alerts that are not over, those that began last first.
    ///
    /// # Errors
    /// A fault of the store.
    fn open_alerts(&mut self) -> Result<Vec<Alert>, StoreError>;

    /// Alerts, the newest first.
    ///
    /// # Errors
    /// A fault of the store.
    fn alerts(&mut self, query: &AlertsQuery) -> Result<Vec<Alert>, StoreError>;

    /// Alerts of which nobody was written to yet as they are now, the oldest first, at most so many;
    /// of those that nobody was ever written to about, none that were over before a time.
    ///
    /// # Errors
    /// A fault of the store.
    fn unmailed_alerts(
        &mut self,
        over_since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError>;

    /// Which server raises alerts, and until when no other does.
    ///
    /// # Errors
    /// A fault of the store.
    fn watcher(&mut self) -> Result<Option<(String, DateTime<Utc>)>, StoreError>;
}

/// Raising alerts.
pub trait KeepAlerts {
    /// Has one server raise alerts until a time; answers whether it is that one. A lease that is
    /// over is anybody's.
    ///
    /// # Errors
    /// A fault of the store.
    fn lease_watch(
        &mut self,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Inserts an alert; the feed is told of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when one of the kind is open of the same thing.
    fn insert_alert(&mut self, alert: &Alert) -> Result<(), StoreError>;

    /// Writes an alert as it is now; the feed is told of it if it was told once more.
    ///
    /// # Errors
    /// A fault of the store.
    fn update_alert(&mut self, alert: &Alert) -> Result<(), StoreError>;

    /// Notes that people were written to about an alert when it was told so often.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_mailed(&mut self, alert: &str, told: i64) -> Result<(), StoreError>;

    /// Deletes alerts that were over before a time, at most so many; answers how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_alerts(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}
