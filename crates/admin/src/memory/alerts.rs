//! Alerts in memory.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use super::Rows;
use crate::alert::{Alert, AlertState, AlertsQuery};
use crate::store::{KeepAlerts, ReadAlerts};

impl ReadAlerts for Rows {
    fn open_alerts(&mut self) -> Result<Vec<Alert>, StoreError> {
        self.alerts(&AlertsQuery {
            state: AlertState::Open,
            before: None,
            limit: i64::MAX,
        })
    }

    fn alerts(&mut self, query: &AlertsQuery) -> Result<Vec<Alert>, StoreError> {
        let before = query.before.as_ref();
        let asked = |alert: &&Alert| {
            query.state.has(alert) && before.is_none_or(|before| alert.id < *before)
        };
        let mut found: Vec<Alert> = self.alerts.iter().filter(asked).cloned().collect();
        found.sort_by(|one, other| other.id.cmp(&one.id));
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    fn unmailed_alerts(
        &mut self,
        over_since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError> {
        let mailed = |alert: &Alert| self.mailed.get(&alert.id).copied().unwrap_or_default();
        let unmailed = |alert: &&Alert| {
            let mailed = mailed(alert);
            mailed < alert.told && (mailed > 0 || alert.over.is_none_or(|over| over >= over_since))
        };
        let mut found: Vec<Alert> = self.alerts.iter().filter(unmailed).cloned().collect();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    fn watcher(&mut self) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
        Ok(self.watcher.clone())
    }
}

impl KeepAlerts for Rows {
    fn lease_watch(
        &mut self,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let free = |(holder, end): &(String, DateTime<Utc>)| holder == owner || *end <= now;
        let takes = self.watcher.as_ref().is_none_or(free);
        if takes {
            self.watcher = Some((owner.to_owned(), until));
        }
        Ok(takes)
    }

    fn insert_alert(&mut self, alert: &Alert) -> Result<(), StoreError> {
        let same = |known: &Alert| {
            known.over.is_none() && (known.kind, &known.about.id) == (alert.kind, &alert.about.id)
        };
        if self.alerts.iter().any(same) {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.alerts.push(alert.clone());
        Ok(())
    }

    fn update_alert(&mut self, alert: &Alert) -> Result<(), StoreError> {
        let known = self.alerts.iter_mut().find(|known| known.id == alert.id);
        if let Some(known) = known {
            known.clone_from(alert);
        }
        Ok(())
    }

    fn note_mailed(&mut self, alert: &str, told: i64) -> Result<(), StoreError> {
        self.mailed.insert(alert.to_owned(), told);
        Ok(())
    }

    fn forget_alerts(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        let count = self.alerts.len();
        self.alerts.retain(|alert| {
            let goes = left > 0 && alert.over.is_some_and(|over| over < before);
            left -= usize::from(goes);
            !goes
        });
        Ok(count - self.alerts.len())
    }
}
