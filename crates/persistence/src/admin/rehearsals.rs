//! Rows of `rehearsals`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_admin::ConfigurationStatus;
use scim_admin::rehearsal::{CarryPhase, GoingLive, Rehearsal};
use scim_admin::store::{KeepRehearsals, ReadRehearsals, WriteRehearsals};
use scim_provisioning::{ConfigurationId, Rehearsing, RunId, StoreError};

use super::{AdminRows, there};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::schema::provisioning_configurations;
use crate::schema_rehearsals::rehearsals;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = rehearsals)]
struct RehearsalRow {
    id: String,
    configuration_id: String,
    began_at: i64,
    actor: String,
    status_before: String,
    live_run: Option<String>,
    live_actor: Option<String>,
    phase: i64,
    position: i64,
}

impl TryFrom<RehearsalRow> for Rehearsal {
    type Error = StoreError;

    fn try_from(row: RehearsalRow) -> Result<Self, StoreError> {
        let known = || unreadable("rehearsals");
        let live = match (row.live_run, row.live_actor) {
            (Some(run), Some(actor)) => Some(GoingLive {
                run: RunId::parse(&run).ok_or_else(known)?,
                actor,
                phase: CarryPhase::of(row.phase).ok_or_else(known)?,
                position: row.position,
            }),
            _ => None,
        };
        Ok(Self {
            id: RunId::parse(&row.id).ok_or_else(known)?,
            configuration: ConfigurationId::parse(&row.configuration_id).ok_or_else(known)?,
            began: instant(row.began_at),
            actor: row.actor,
            before: ConfigurationStatus::parse(&row.status_before).ok_or_else(known)?,
            live,
        })
    }
}

impl ReadRehearsals for AdminRows<'_> {
    fn rehearsal_of(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Option<Rehearsal>, StoreError> {
        let query = rehearsals::table
            .filter(rehearsals::configuration_id.eq(configuration.to_string()))
            .select(RehearsalRow::as_select());
        let row: Option<RehearsalRow> = self.connection.first(query)?;
        row.map(Rehearsal::try_from).transpose()
    }

    fn rehearsals(&mut self) -> Result<Vec<Rehearsal>, StoreError> {
        let query = rehearsals::table
            .select(RehearsalRow::as_select())
            .order(rehearsals::id);
        let rows: Vec<RehearsalRow> = self.connection.load(query)?;
        rows.into_iter().map(Rehearsal::try_from).collect()
    }
}

impl WriteRehearsals for AdminRows<'_> {
    fn insert_rehearsal(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError> {
        let row = RehearsalRow {
            id: rehearsal.id.to_string(),
            configuration_id: rehearsal.configuration.to_string(),
            began_at: millis(rehearsal.began),
            actor: rehearsal.actor.clone(),
            status_before: rehearsal.before.as_str().to_owned(),
            live_run: None,
            live_actor: None,
            phase: 0,
            position: 0,
        };
        let insert =
            diesel::insert_into(rehearsals::table).values((row, rehearsals::claimed_until.eq(0)));
        self.connection.execute(insert).map(drop)
    }

    fn begin_going_live(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError> {
        let Some(live) = &rehearsal.live else {
            return Err(StoreError::Stale);
        };
        let waits = rehearsals::table
            .find(rehearsal.id.to_string())
            .filter(rehearsals::live_run.is_null());
        let update = diesel::update(waits).set((
            rehearsals::live_run.eq(live.run.to_string()),
            rehearsals::live_actor.eq(&live.actor),
            rehearsals::phase.eq(live.phase.number()),
            rehearsals::position.eq(live.position),
        ));
        there(self.connection.execute(update)?)
    }

    fn delete_rehearsal(&mut self, id: RunId, is_done: bool) -> Result<(), StoreError> {
        let found = rehearsals::table.find(id.to_string());
        let deleted = match is_done {
            true => {
                let done = rehearsals::phase.eq(CarryPhase::Done.number());
                self.connection
                    .execute(diesel::delete(found.filter(done)))?
            }
            false => {
                let waits = rehearsals::live_run.is_null();
                self.connection
                    .execute(diesel::delete(found.filter(waits)))?
            }
        };
        there(deleted)
    }
}

impl KeepRehearsals for AdminRows<'_> {
    fn claim_rehearsal(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Rehearsal>, StoreError> {
        let mut waiting = rehearsals::table
            .filter(rehearsals::live_run.is_not_null())
            .filter(rehearsals::claimed_until.le(millis(now)))
            .select(RehearsalRow::as_select())
            .order(rehearsals::id)
            .limit(1)
            .into_boxed();
        if let Some(id) = id {
            waiting = waiting.filter(rehearsals::id.eq(id.to_string()));
        }
        let Some(row) = self.connection.first::<RehearsalRow, _>(waiting)? else {
            return Ok(None);
        };
        // Somebody else may have taken it meanwhile, and have gone further.
        let same = rehearsals::table
            .find(&row.id)
            .filter(rehearsals::claimed_until.le(millis(now)))
            .filter(rehearsals::phase.eq(row.phase))
            .filter(rehearsals::position.eq(row.position));
        let claim = diesel::update(same).set(rehearsals::claimed_until.eq(millis(until)));
        match self.connection.execute(claim)? {
            0 => Ok(None),
            _ => Rehearsal::try_from(row).map(Some),
        }
    }

    fn set_stage(
        &mut self,
        configuration: ConfigurationId,
        rehearsing: Rehearsing,
    ) -> Result<(), StoreError> {
        let found = provisioning_configurations::table
            .find(configuration.to_string())
            .filter(provisioning_configurations::rehearsal.eq(rehearsing.id.to_string()));
        let update = diesel::update(found).set((
            provisioning_configurations::rehearsal_stage.eq(rehearsing.stage.as_str()),
            provisioning_configurations::version.eq(provisioning_configurations::version + 1),
        ));
        there(self.connection.execute(update)?)
    }

    fn save_rehearsal(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError> {
        save(self.connection, rehearsal)
    }
}

/// Notes how far a rehearsal is that goes live.
pub(crate) fn save(connection: &mut Connection, rehearsal: &Rehearsal) -> Result<(), StoreError> {
    let Some(live) = &rehearsal.live else {
        return Err(StoreError::Stale);
    };
    let found = rehearsals::table.find(rehearsal.id.to_string());
    let update = diesel::update(found).set((
        rehearsals::phase.eq(live.phase.number()),
        rehearsals::position.eq(live.position),
        rehearsals::claimed_until.eq(0),
    ));
    there(connection.execute(update)?)
}

/// Whether a rehearsal goes live.
pub(super) fn one_goes_live(connection: &mut Connection) -> Result<bool, StoreError> {
    let query = rehearsals::table
        .filter(rehearsals::live_run.is_not_null())
        .select(rehearsals::id)
        .limit(1);
    Ok(connection.first::<String, _>(query)?.is_some())
}
