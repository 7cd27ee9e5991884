//! Rows of `alerts`, and the lease of whoever raises them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_admin::alert::{Alert, AlertCause, AlertKind, AlertState, AlertThing, AlertsQuery};
use scim_admin::store::{KeepAlerts, ReadAlerts};
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::Value;

use super::AdminRows;
use crate::error::{readable, unreadable};
use crate::schema_instance::{alerts, leases};
use crate::time::{instant, millis};
use crate::writes::on_conflict;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = alerts)]
struct AlertRow {
    id: String,
    kind: String,
    thing_id: String,
    thing_name: String,
    configuration_id: Option<String>,
    cause: Option<String>,
    amount: Option<i64>,
    ends_at: Option<i64>,
    since_at: i64,
    seen_at: i64,
    over_at: Option<i64>,
    told: i64,
}

impl TryFrom<AlertRow> for Alert {
    type Error = StoreError;

    fn try_from(row: AlertRow) -> Result<Self, StoreError> {
        let known = || unreadable("alerts");
        let configuration = row.configuration_id.as_deref();
        let configuration = configuration.map(|id| ConfigurationId::parse(id).ok_or_else(known));
        Ok(Self {
            id: row.id,
            kind: AlertKind::parse(&row.kind).ok_or_else(known)?,
            about: AlertThing {
                id: row.thing_id,
                name: row.thing_name,
                configuration: configuration.transpose()?,
            },
            // One that a newer version knows is none here.
            cause: row.cause.as_deref().and_then(AlertCause::parse),
            count: row.amount,
            ends: row.ends_at.map(instant),
            since: instant(row.since_at),
            seen: instant(row.seen_at),
            over: row.over_at.map(instant),
            told: row.told,
        })
    }
}

impl AlertRow {
    fn of(alert: &Alert) -> Self {
        Self {
            id: alert.id.clone(),
            kind: alert.kind.as_str().to_owned(),
            thing_id: alert.about.id.clone(),
            thing_name: alert.about.name.clone(),
            configuration_id: alert.about.configuration.map(|id| id.to_string()),
            cause: alert.cause.map(|cause| cause.as_str().to_owned()),
            amount: alert.count,
            ends_at: alert.ends.map(millis),
            since_at: millis(alert.since),
            seen_at: millis(alert.seen),
            over_at: alert.over.map(millis),
            told: alert.told,
        }
    }
}

fn record(alert: &Alert) -> String {
    Value::Object(alert.record()).to_string()
}

/// Those that can be read.
fn read(rows: Vec<AlertRow>) -> Vec<Alert> {
    readable(rows, "alerts", |row| row.id.clone(), Alert::try_from)
}

impl ReadAlerts for AdminRows<'_> {
    fn open_alerts(&mut self) -> Result<Vec<Alert>, StoreError> {
        let query = alerts::table
            .filter(alerts::over_at.is_null())
            .order(alerts::id.desc())
            .select(AlertRow::as_select());
        Ok(read(self.connection.load(query)?))
    }

    fn alerts(&mut self, query: &AlertsQuery) -> Result<Vec<Alert>, StoreError> {
        // Every id is before this one.
        let before = query.before.as_deref().unwrap_or("~").to_owned();
        let asked = alerts::table
            .filter(alerts::id.lt(before))
            .order(alerts::id.desc())
            .limit(query.limit)
            .select(AlertRow::as_select());
        let rows = match query.state {
            AlertState::All => self.connection.load(asked)?,
            AlertState::Open => self
                .connection
                .load(asked.filter(alerts::over_at.is_null()))?,
            AlertState::Over => {
                let over = asked.filter(alerts::over_at.is_not_null());
                self.connection.load(over)?
            }
        };
        Ok(read(rows))
    }

    fn unmailed_alerts(
        &mut self,
        over_since: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Alert>, StoreError> {
        let news = alerts::mailed
            .gt(0)
            .or(alerts::over_at.is_null())
            .or(alerts::over_at.assume_not_null().ge(millis(over_since)));
        let query = alerts::table
            .filter(alerts::mailed.lt(alerts::told))
            .filter(news)
            .order(alerts::id)
            .limit(limit)
            .select(AlertRow::as_select());
        Ok(read(self.connection.load(query)?))
    }

    fn watcher(&mut self) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
        let query = leases::table
            .find(WATCH)
            .select((leases::owner, leases::until));
        let row: Option<(String, i64)> = self.connection.first(query)?;
        Ok(row.map(|(owner, until)| (owner, instant(until))))
    }
}

impl KeepAlerts for AdminRows<'_> {
    fn lease_watch(
        &mut self,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        // Two servers may begin at the same time.
        let insert = diesel::insert_into(leases::table).values((
            leases::name.eq(WATCH),
            leases::owner.eq(owner),
            leases::until.eq(0_i64),
        ));
        self.connection
            .execute(on_conflict(insert, (leases::name,)).ignored())?;
        let free = leases::until.le(millis(now)).or(leases::owner.eq(owner));
        let row = leases::table.find(WATCH).filter(free);
        let take =
            diesel::update(row).set((leases::owner.eq(owner), leases::until.eq(millis(until))));
        Ok(self.connection.execute(take)? > 0)
    }

    fn insert_alert(&mut self, alert: &Alert) -> Result<(), StoreError> {
        let insert = diesel::insert_into(alerts::table)
            .values((AlertRow::of(alert), alerts::record.eq(record(alert))));
        self.connection.execute(insert).map(drop)
    }

    fn update_alert(&mut self, alert: &Alert) -> Result<(), StoreError> {
        let row = AlertRow::of(alert);
        let update = diesel::update(alerts::table.find(&alert.id)).set((
            alerts::thing_name.eq(row.thing_name),
            alerts::configuration_id.eq(row.configuration_id),
            alerts::cause.eq(row.cause),
            alerts::amount.eq(row.amount),
            alerts::ends_at.eq(row.ends_at),
            alerts::seen_at.eq(row.seen_at),
            alerts::over_at.eq(row.over_at),
            alerts::told.eq(row.told),
            alerts::record.eq(record(alert)),
        ));
        self.connection.execute(update).map(drop)
    }

    fn note_mailed(&mut self, alert: &str, told: i64) -> Result<(), StoreError> {
        let note = diesel::update(alerts::table.find(alert)).set(alerts::mailed.eq(told));
        self.connection.execute(note).map(drop)
    }

    fn forget_alerts(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let old = alerts::table
            .filter(alerts::over_at.lt(millis(before)))
            .order(alerts::over_at)
            .limit(limit)
            .select(alerts::id);
        let old: Vec<String> = self.connection.load(old)?;
        for id in &old {
            self.connection
                .execute(diesel::delete(alerts::table.find(id)))?;
        }
        Ok(old.len())
    }
}

/// What the lease of whoever raises alerts is called.
const WATCH: &str = "alerts";
