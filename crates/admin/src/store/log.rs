//! Rows of the provisioning log, its counts, and who writes.

use chrono::{DateTime, Utc};
use scim_provisioning::directory::Author;
use scim_provisioning::{ConfigurationId, Event, StoreError};

use crate::event::{Activity, EventQuery, LoggedEvent};

/// Reading the log.
pub trait ReadLog {
    /// Entries of the log, in order of time.
    ///
    /// # Errors
    /// A fault of the store.
    fn events(&mut self, query: &EventQuery) -> Result<Vec<LoggedEvent>, StoreError>;

    /// The first entry of the log that changed, after another one, the resource which that was
    /// about; of a creation one of this name, in the same configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn newer_change(
        &mut self,
        than: &LoggedEvent,
        name: Option<&str>,
    ) -> Result<Option<i64>, StoreError>;

    /// Whether the resource that an entry of the log is about was written after it, by whomever.
    ///
    /// # Errors
    /// A fault of the store.
    fn changed_since(&mut self, event: &LoggedEvent) -> Result<bool, StoreError>;

    /// The entries since an hour, of one configuration or all, counted by configuration, hour and
    /// outcome.
    ///
    /// # Errors
    /// A fault of the store.
    fn activity(
        &mut self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError>;

    /// The requests since an hour, counted likewise.
    ///
    /// # Errors
    /// A fault of the store.
    fn requests(
        &mut self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError>;
}

/// Writing an entry of the log.
pub trait RecordEvents {
    /// Appends an entry. What succeeded closes the open failures of the same resource.
    ///
    /// # Errors
    /// A fault of the store.
    fn record_event(&mut self, event: &Event) -> Result<(), StoreError>;
}

/// Changing the log, and saying who writes.
pub trait WriteLog {
    /// Says who changes the directory from now on, for the feed.
    ///
    /// # Errors
    /// A fault of the store.
    fn speak_as(&mut self, author: &Author) -> Result<(), StoreError>;

    /// Marks a failure or a warning of the log as resolved by somebody, or with `None` as open
    /// again; answers whether it was not so already.
    ///
    /// # Errors
    /// A fault of the store.
    fn resolve_event(
        &mut self,
        id: i64,
        by: Option<(&str, DateTime<Utc>)>,
    ) -> Result<bool, StoreError>;
}

/// What time does to the log and to people who left.
pub trait KeepLog {
    /// Adds to the counts of requests.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_requests(&mut self, counts: &[Activity]) -> Result<(), StoreError>;

    /// Counts the entries of hours that are over, so that nobody has to count them again.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_hours(&mut self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Deletes entries of the log from before a time, at most so many; answers how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_events(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;

    /// Forgets what the requests of entries from before a time said, of at most so many entries,
    /// which stay; answers of how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_requests(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;

    /// Deletes users for good whose time has come, at most so many; answers how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn purge_people(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}
