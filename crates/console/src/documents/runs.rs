//! Documents of runs, of what they changed, of taking that back, and of rehearsals.

use chrono::{DateTime, SecondsFormat, Utc};
use scim_admin::ProvisioningConfiguration;
use scim_admin::rehearsal::{
    MovedResource, Rehearsal as StoredRehearsal, RehearsedItem as StoredItem, RehearsedPage,
};
use scim_admin::run::{
    FieldDifference, RowDifference, Run as StoredRun, RunCounts as StoredCounts,
};
use scim_provisioning::{RehearsalStage, RunId};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::kinds::{EventConfiguration, document};

document! {
    /// A run: a named set of changes with one cause.
    #[schema(example = json!({
        "id": "0197f2d0-40ab-7a63-8c1f-95b2e7d43016", "kind": "cycle", "configuration": {},
        "actor": "configuration:Entra ID",
        "began": "2026-11-26T16:50:00.204Z", "ended": "2026-11-26T16:52:09.871Z",
        "state": "done", "undoes": null, "forgotten": false,
    }))]
    Run {
        /// The id, which stands on each of its log entries.
        id: String,
        /// `cycle`, `reapply`, `goLive`, `undo`, `redo`, `heldDecision`, `linkDecision`, `byHand`,
        /// `configurationDeleted` or `replay`.
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
    #[schema(example = json!({
        "requests": 1310, "reads": 1204, "unchanged": 61, "created": 12, "updated": 29,
        "linked": 1, "blocked": 2, "unblocked": 0, "archived": 1, "deleted": 0, "joined": 18,
        "left": 3, "warned": 4, "skipped": 0, "held": 0, "failed": 1,
        "refused": { "uniqueness.own": 1 },
    }))]
    RunCounts {
        /// Requests of the identity provider, reads included.
        requests: i64,
        reads: i64,
        /// Users and groups that requests wrote as they were, so that nothing changed.
        unchanged: i64,
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
    #[schema(example = json!({ "action": "update" }))]
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
    #[schema(example = json!({ "type": "User", "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "name": "ava.berg@example.com" }))]
    RunResource {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        name: Option<String>,
    }
}
document! {
    /// A field before and after a run.
    #[schema(example = json!({ "field": "job_title", "old": "Engineer", "new": "Lead" }))]
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
    #[schema(example = json!({ "run": "0197f2d0-40ab-7a63-8c1f-95b2e7d43016", "state": "done" }))]
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
        /// Whether the identity provider may do it again and the configuration can be paused with the
        /// undo (`pause`); of a preview alone.
        #[serde(rename = "mayRepeat", skip_serializing_if = "Option::is_none")]
        may_repeat: Option<bool>,
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
        unchanged: counts.of("unchanged"),
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
        fields: change.fields.iter().map(RunField::of).collect(),
        state: change.state.map(|state| state.as_str().to_owned()),
        cause: change.cause.map(|cause| cause.as_str().to_owned()),
    }
}

impl RunField {
    fn of(field: &FieldDifference) -> Self {
        Self {
            field: field.field.clone(),
            old: field.old.clone(),
            new: field.new.clone(),
            kept: field.kept,
        }
    }
}

/// A run that takes something back.
pub fn undo(run: &StoredRun) -> Undo {
    Undo {
        run: Some(run.id.to_string()),
        state: Some(run.state.as_str().to_owned()),
        items: None,
        next: None,
        may_repeat: None,
    }
}

/// What taking something back would come to: a page of resources, where the next one begins, and
/// whether the identity provider may do it again.
pub fn undo_preview(changes: &[RowDifference], next: Option<i64>, may_repeat: bool) -> Undo {
    Undo {
        run: None,
        state: None,
        items: Some(changes.iter().map(run_change).collect()),
        next: next.map(|next| next.to_string()),
        may_repeat: Some(may_repeat),
    }
}

document! {
    /// What would happen if a rehearsal went live.
    #[schema(example = json!({
        "state": "rehearsing", "before": "enabled", "began": "2026-11-26T16:00:00.000Z",
        "actor": "administrator:ops", "run": null, "moved": [{}], "next": null,
    }))]
    Rehearsal {
        configuration: EventConfiguration,
        /// `preparing`, `rehearsing` or `goingLive`.
        state: String,
        /// What the configuration was before, and is again when the rehearsal is discarded.
        before: String,
        began: String,
        /// Who began it: `administrator:NAME`.
        actor: String,
        /// The run that it goes live as.
        run: Option<String>,
        counts: RunCounts,
        /// What is not as it was when the rehearsal began; of the first page alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        moved: Option<Vec<RehearsalMoved>>,
        items: Vec<RehearsedItem>,
        /// The cursor of the next page.
        next: Option<String>,
    }
}
document! {
    /// What would happen to a user or group, or a request that would be refused.
    #[schema(example = json!({ "action": "update" }))]
    RehearsedItem {
        /// `create`, `link`, `update`, `block`, `archive`, `delete` or `refuse`.
        action: String,
        resource: RehearsedResource,
        fields: Vec<RunField>,
        /// Whether the guard would hold it until an administrator decides.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        held: bool,
        /// Whether it happened already: who was there before and leaves does not wait.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        at_once: bool,
        /// Why it would be refused, as the log names it.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}
document! {
    /// A user or group of a rehearsal.
    #[schema(example = json!({ "type": "User", "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "name": "ava.berg@example.com" }))]
    RehearsedResource {
        #[serde(rename = "type")]
        kind: Option<String>,
        /// What is refused may have none.
        id: Option<String>,
        name: Option<String>,
    }
}
document! {
    /// A user or group that does not become what was rehearsed, or that others changed as well.
    #[schema(example = json!({ "why": "changed" }))]
    RehearsalMoved {
        resource: RunResource,
        /// `changed`, `gone`, `protected` or `nameTaken`.
        why: String,
    }
}
document! {
    /// A rehearsal that began.
    #[schema(example = json!({ "state": "rehearsing", "began": "2026-11-26T16:00:00.000Z" }))]
    RehearsalBegun {
        configuration: EventConfiguration,
        /// `rehearsing`.
        state: String,
        began: String,
    }
}
document! {
    /// A rehearsal that goes live.
    #[schema(example = json!({ "run": "0197f2d0-40ab-7a63-8c1f-95b2e7d43016", "state": "done" }))]
    RehearsalLive {
        /// The id of the run.
        run: Option<String>,
        /// `running` or `done`.
        state: String,
    }
}

fn named(found: &ProvisioningConfiguration) -> EventConfiguration {
    EventConfiguration {
        id: found.id.to_string(),
        name: found.name.clone(),
    }
}

/// What would happen, a page of it.
pub fn rehearsal(
    found: &ProvisioningConfiguration,
    rehearsal: &StoredRehearsal,
    page: &RehearsedPage,
    moved: Option<&[MovedResource]>,
) -> Rehearsal {
    let stage = found.rehearsal.map(|of| of.stage);
    Rehearsal {
        configuration: named(found),
        state: stage
            .map_or("rehearsing", RehearsalStage::as_str)
            .to_owned(),
        before: rehearsal.before.as_str().to_owned(),
        began: precise(rehearsal.began),
        actor: rehearsal.actor.clone(),
        run: rehearsal.live.as_ref().map(|live| live.run.to_string()),
        counts: counts(&page.counts),
        moved: moved.map(|moved| moved.iter().map(moved_resource).collect()),
        items: page.items.iter().map(item).collect(),
        next: page.next.map(|place| place.to_string()),
    }
}

fn item(item: &StoredItem) -> RehearsedItem {
    let (cause, reason) = match &item.refused {
        Some((cause, reason)) => (cause.clone(), Some(reason.clone())),
        None => (None, None),
    };
    RehearsedItem {
        action: item.action.as_str().to_owned(),
        resource: RehearsedResource {
            kind: item.kind.map(|kind| kind.as_str().to_owned()),
            id: item.id.clone(),
            name: item.name.clone(),
        },
        fields: item.fields.iter().map(RunField::of).collect(),
        held: item.held,
        at_once: item.at_once,
        cause,
        reason,
    }
}

fn moved_resource(moved: &MovedResource) -> RehearsalMoved {
    RehearsalMoved {
        resource: RunResource {
            kind: moved.kind.as_str().to_owned(),
            id: moved.id.clone(),
            name: moved.name.clone(),
        },
        why: moved.moved.as_str().to_owned(),
    }
}

/// A rehearsal that began.
pub fn rehearsal_begun(
    found: &ProvisioningConfiguration,
    begun: &StoredRehearsal,
) -> RehearsalBegun {
    RehearsalBegun {
        configuration: named(found),
        state: RehearsalStage::Open.as_str().to_owned(),
        began: precise(begun.began),
    }
}

/// A rehearsal that goes live, or went.
pub fn rehearsal_live(run: Option<RunId>, is_done: bool) -> RehearsalLive {
    RehearsalLive {
        run: run.map(|run| run.to_string()),
        state: if is_done { "done" } else { "running" }.to_owned(),
    }
}
