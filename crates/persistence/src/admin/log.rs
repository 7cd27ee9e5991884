//! The provisioning log and what time does to it.

use chrono::{DateTime, Utc};
use scim_admin::event::{Activity, EventQuery, LoggedEvent};
use scim_admin::store::{KeepLog, ReadLog, RecordEvents, WriteLog};
use scim_provisioning::directory::Author;
use scim_provisioning::{ConfigurationId, Event, StoreError};

use super::{AdminRows, activity, events, held};
use crate::log;

impl ReadLog for AdminRows<'_> {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<LoggedEvent>, StoreError> {
        events::list(self.connection, query)
    }

    fn newer_change(
        &mut self,
        than: &LoggedEvent,
        name: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        events::newer_change(self.connection, than, name)
    }

    fn changed_since(&mut self, event: &LoggedEvent) -> Result<bool, StoreError> {
        events::changed_since(self.connection, event)
    }

    fn activity(
        &mut self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError> {
        activity::activity(self.connection, since, configuration)
    }

    fn requests(
        &mut self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError> {
        activity::requests(self.connection, since, configuration)
    }
}

impl RecordEvents for AdminRows<'_> {
    fn record_event(&mut self, event: &Event) -> Result<(), StoreError> {
        log::record(self.connection, event)
    }
}

impl WriteLog for AdminRows<'_> {
    fn speak_as(&mut self, author: &Author) -> Result<(), StoreError> {
        self.connection.speak_as(author)
    }

    fn resolve_event(
        &mut self,
        id: i64,
        by: Option<(&str, DateTime<Utc>)>,
    ) -> Result<bool, StoreError> {
        events::resolve(self.connection, id, by)
    }
}

impl KeepLog for AdminRows<'_> {
    fn count_requests(&mut self, counts: &[Activity]) -> Result<(), StoreError> {
        activity::note_requests(self.connection, counts)
    }

    fn count_hours(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        activity::count_hours(self.connection, now)
    }

    fn forget_events(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        events::forget(self.connection, before, limit)
    }

    fn forget_requests(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        events::forget_requests(self.connection, before, limit)
    }

    fn purge_people(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        held::purge(self.connection, now, limit)
    }
}
