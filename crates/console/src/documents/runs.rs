//! Documents of runs, of what they changed, and of taking that back.

use chrono::{DateTime, SecondsFormat, Utc};
use scim_admin::run::{RowDifference, Run as StoredRun, RunCounts as StoredCounts};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::EventConfiguration;
use super::kinds::document;

document! {
    /// A run: a named set of changes with one cause.
    Run {
        /// The id, which stands on each of its log entries.
        id: String,
        /// `cycle`, `reapply`, `goLive`, `undo`, `redo`, `heldDecision`, `linkDecision`, `byHand` or
        /// `configurationDeleted`.
        kind: String,
        configuration: Option<EventConfiguration>,
        /// `configuration:NAME` for its identity provider, else `administrator:NAME`.
        actor: String,
        began: String,
        /// Of a cycle, when its last request came.
        ended: Option<String>,
        /// `running` or `done`.
        state: String,
        /// The run that it takes back.
        undoes: Option<String>,
        /// Whether what was before it is not kept any more, so that it cannot be taken back.
        forgotten: bool,
        counts: RunCounts,
    }
}
document! {
    /// How much a run did.
    RunCounts {
        /// Requests of the identity provider, reads included.
        requests: i64,
        reads: i64,
        created: i64,
        updated: i64,
        linked: i64,
        blocked: i64,
        unblocked: i64,
        archived: i64,
        deleted: i64,
        /// Memberships that began.
        joined: i64,
        /// Memberships that ended.
        left: i64,
        warned: i64,
        skipped: i64,
        held: i64,
        failed: i64,
        /// What failed, by its cause.
        refused: Map<String, Value>,
    }
}
document! {
    /// What a run made of a user or group.
    RunChange {
        resource: RunResource,
        /// What was done, as the log names it.
        action: String,
        fields: Vec<RunField>,
        /// What becomes of it when that is taken back: `undo`, `kept` or `gone`; of a preview alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<String>,
        /// Why it is not taken back, such as `uniqueness.own` where somebody else has the name by
        /// now; of a preview alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    }
}
document! {
    /// A user or group that a run changed.
    RunResource {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        name: Option<String>,
    }
}
document! {
    /// A field before and after a run.
    RunField {
        /// The key of the field; `members` of those who left and joined, by name.
        field: String,
        old: Value,
        new: Value,
        /// Whether somebody changed it since and keeps it; of a preview alone.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        kept: bool,
    }
}
document! {
    /// A run that takes something back, or what it would make of each resource.
    Undo {
        /// The id of the run.
        #[serde(skip_serializing_if = "Option::is_none")]
        run: Option<String>,
        /// `running` or `done`.
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        items: Option<Vec<RunChange>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
}

fn precise(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A run.
pub fn run(run: &StoredRun) -> Run {
    Run {
        id: run.id.to_string(),
        kind: run.kind.as_str().to_owned(),
        configuration: run
            .configuration
            .as_ref()
            .map(|(id, name)| EventConfiguration {
                id: id.to_string(),
                name: name.clone(),
            }),
        actor: run.actor.clone(),
        began: precise(run.began),
        ended: run.ended.map(precise),
        state: run.state.as_str().to_owned(),
        undoes: run.undoes.as_ref().map(|undoes| undoes.run.to_string()),
        forgotten: run.forgotten,
        counts: counts(&run.counts),
    }
}

fn counts(counts: &StoredCounts) -> RunCounts {
    let refused = counts.refused();
    RunCounts {
        requests: counts.of("requests"),
        reads: counts.of("reads"),
        created: counts.of("created"),
        updated: counts.of("updated"),
        linked: counts.of("linked"),
        blocked: counts.of("blocked"),
        unblocked: counts.of("unblocked"),
        archived: counts.of("archived"),
        deleted: counts.of("deleted"),
        joined: counts.of("joined"),
        left: counts.of("left"),
        warned: counts.of("warned"),
        skipped: counts.of("skipped"),
        held: counts.of("held"),
        failed: counts.of("failed"),
        refused: refused
            .map(|(cause, amount)| (cause.to_owned(), amount.into()))
            .collect(),
    }
}

/// What a run made of a resource.
pub fn run_change(change: &RowDifference) -> RunChange {
    RunChange {
        resource: RunResource {
            kind: change.kind.as_str().to_owned(),
            id: change.id.clone(),
            name: change.name.clone(),
        },
        action: change.action.as_str().to_owned(),
        fields: change
            .fields
            .iter()
            .map(|field| RunField {
                field: field.field.clone(),
                old: field.old.clone(),
                new: field.new.clone(),
                kept: field.kept,
            })
            .collect(),
        state: change.state.map(|state| state.as_str().to_owned()),
        cause: change.cause.map(|cause| cause.as_str().to_owned()),
    }
}

/// A run that takes something back.
pub fn undo(run: &StoredRun) -> Undo {
    Undo {
        run: Some(run.id.to_string()),
        state: Some(run.state.as_str().to_owned()),
        items: None,
        next: None,
    }
}

/// What taking something back would come to: a page of resources, and where the next one begins.
pub fn undo_preview(changes: &[RowDifference], next: Option<i64>) -> Undo {
    Undo {
        run: None,
        state: None,
        items: Some(changes.iter().map(run_change).collect()),
        next: next.map(|next| next.to_string()),
    }
}
