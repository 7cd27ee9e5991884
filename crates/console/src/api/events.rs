//! The provisioning log.

use chrono::{DateTime, Utc};
use scim_admin::event::{EventQuery, EventState, LoggedEvent};
use scim_provisioning::ResourceKind;
use scim_provisioning::event::{Action, Outcome};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::{Administrator, Auditor, Caller, Operate};
use super::answer::{Computed, One, Page, tag};
use super::extract::{IfMatch, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{Limit, NumberCursor, since, until, words};
use crate::documents::{self, Event, Replayed};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        list_events,
        show_event,
        resolve_event,
        reopen_event,
        replay_event,
    ]
}

/// The entry that a path is about.
#[derive(Deserialize, IntoParams)]
struct EventPath {
    /// The number of the entry
    #[param(minimum = 1)]
    event: i64,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct EventsQuery {
    /// The id or the name
    configuration: Option<String>,
    /// How it ended
    #[param(inline)]
    outcome: Option<EndsAs>,
    /// What was done or attempted
    #[param(inline)]
    action: Option<Attempted>,
    /// To what
    #[param(inline)]
    resource_type: Option<ResourceType>,
    /// Of this run
    run: Option<String>,
    /// Failures and warnings that are not resolved, or what is resolved
    #[param(inline)]
    state: Option<State>,
    /// A text to look for: how the name begins, or an id
    q: Option<String>,
    /// At this time or later
    #[serde(default, deserialize_with = "since")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<DateTime<Utc>>,
    /// Before this time
    #[serde(default, deserialize_with = "until")]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<DateTime<Utc>>,
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<NumberCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

words! {
    /// How entries end.
    EndsAs(Outcome): "outcome", Outcome::ALL, Outcome::as_str
}
words! {
    /// What entries are about.
    Attempted(Action): "action", Action::ALL, Action::as_str
}
words! {
    /// Of what they are.
    ResourceType(ResourceKind): "resourceType", ResourceKind::ALL, ResourceKind::as_str
}
words! {
    /// Whether they wait for somebody.
    State(EventState): "state", EventState::ALL, EventState::as_str
}

/// List the provisioning log, the oldest first.
#[utoipa::path(get, path = "/events")]
fn list_events(by: Auditor, Query(query): Query<EventsQuery>) -> Result<Page<Event>, Problem> {
    let limit = query.limit.0;
    let found = by.admin.events(&EventQuery {
        configuration: by.logged_configuration(query.configuration.as_deref())?,
        outcome: query.outcome.map(|word| word.0),
        action: query.action.map(|word| word.0),
        kind: query.resource_type.map(|word| word.0),
        search: query.q,
        state: query.state.map(|word| word.0),
        run: query
            .run
            .map(|run| by.admin.run(&run))
            .transpose()?
            .map(|run| run.id),
        since: query.since,
        until: query.until,
        after: Some(query.cursor.map_or(0, |cursor| cursor.0)),
        before: None,
        limit,
    })?;
    let last = found.last().map(|event| event.id.to_string());
    let items = found.iter().map(documents::event).collect();
    Ok(Page::up_to(items, limit, last))
}

/// Read an entry of the provisioning log.
#[utoipa::path(get, path = "/events/{event}")]
fn show_event(by: Auditor, Path(path): Path<EventPath>) -> Result<One<Event>, Problem> {
    let found = by.admin.event(path.event)?;
    Ok(One::new(documents::event(&found)))
}

/// Mark a failure or a warning as resolved.
#[utoipa::path(post, path = "/events/{event}/resolve")]
fn resolve_event(
    by: Administrator<Operate>,
    Path(path): Path<EventPath>,
    if_match: IfMatch,
) -> Result<One<Event>, Problem> {
    let seen = by.seen_event(&path, &if_match)?;
    let resolved = by.admin.resolve_event(&by.actor, seen.id)?;
    Ok(One::new(documents::event(&resolved)))
}

/// Take back that a failure or a warning is resolved.
#[utoipa::path(post, path = "/events/{event}/reopen")]
fn reopen_event(
    by: Administrator<Operate>,
    Path(path): Path<EventPath>,
    if_match: IfMatch,
) -> Result<One<Event>, Problem> {
    let seen = by.seen_event(&path, &if_match)?;
    let open = by.admin.reopen_event(&by.actor, seen.id)?;
    Ok(One::new(documents::event(&open)))
}

/// Carry a failed request out again, as the identity provider sent it: a run of its own.
#[utoipa::path(post, path = "/events/{event}/replay")]
fn replay_event(
    by: Administrator<Operate>,
    Path(path): Path<EventPath>,
    if_match: IfMatch,
) -> Result<Computed<Replayed>, Problem> {
    let seen = by.seen_event(&path, &if_match)?;
    let replay = by.admin.to_replay(&by.actor, seen.id)?;
    let done = by.admin.replay(&by.actor, &by.provider, &replay)?;
    Ok(Computed(documents::replayed(&done, &replay)))
}

impl Caller {
    fn seen_event(&self, path: &EventPath, if_match: &IfMatch) -> Result<LoggedEvent, Problem> {
        let found = self.admin.event(path.event)?;
        if_match.check(&tag(&documents::event(&found)))?;
        Ok(found)
    }
}
