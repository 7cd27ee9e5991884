//! A row of `runs`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_admin::event::Word;
use scim_admin::run::{Run, RunCounts, RunState, UndoPhase, Undoing};
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::parsed;
use crate::error::unreadable;
use crate::schema_recorded::runs;
use crate::time::instant;

#[derive(Queryable, Selectable)]
#[diesel(table_name = runs)]
pub(super) struct RunRow {
    id: String,
    kind: String,
    configuration_id: Option<String>,
    configuration_name: Option<String>,
    actor: String,
    began_at: i64,
    pub(super) last_request_at: i64,
    pub(super) silence: Option<i64>,
    ended_at: Option<i64>,
    pub(super) state: String,
    of_run: Option<String>,
    chosen: Option<String>,
    phase: Option<i64>,
    position: Option<i64>,
    forgotten: i32,
}

impl RunRow {
    /// The run as it is at a time.
    pub(super) fn read(self, now: DateTime<Utc>) -> Result<Run, StoreError> {
        let row = self;
        let state = row.state(now);
        let ended = match (row.ended_at, state, row.silence) {
            (None, RunState::Done, Some(_)) => Some(row.last_request_at),
            (ended, _, _) => ended,
        };
        let id = |text: &str| RunId::parse(text).ok_or_else(|| unreadable("runs.id"));
        let undoes = match &row.of_run {
            None => None,
            Some(of) => {
                let chosen = parsed(row.chosen.as_deref().unwrap_or("{}"), "runs.chosen")?;
                Some(Undoing {
                    run: id(of)?,
                    chosen: serde_json::from_value(chosen)
                        .map_err(|_json| unreadable("runs.chosen"))?,
                    phase: UndoPhase::of(row.phase.unwrap_or_default()),
                    position: row.position.unwrap_or(i64::MAX),
                })
            }
        };
        let configuration = row
            .configuration_id
            .as_deref()
            .and_then(ConfigurationId::parse);
        Ok(Run {
            id: id(&row.id)?,
            kind: Word::of(row.kind),
            configuration: configuration.zip(row.configuration_name),
            actor: row.actor,
            began: instant(row.began_at),
            ended: ended.map(instant),
            state,
            undoes,
            forgotten: row.forgotten != 0,
            counts: RunCounts::default(),
        })
    }
}
