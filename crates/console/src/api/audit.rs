//! What administrators did.

use chrono::{DateTime, Utc};
use scim_admin::event::AuditQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::Auditor;
use super::answer::Page;
use super::extract::Query;
use super::operation::{Operation, operations};
use super::parameters::{Limit, NumberCursor, since, until};
use crate::documents::{self, Audit};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_audit]
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Exactly this
    actor: Option<String>,
    /// How the event begins, such as `token.`
    event: Option<String>,
    /// Exactly this
    source: Option<String>,
    /// The id or the name
    configuration: Option<String>,
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

/// List what administrators did, the newest first.
#[utoipa::path(get, path = "/audit")]
fn list_audit(by: Auditor, Query(query): Query<ListQuery>) -> Result<Page<Audit>, Problem> {
    let limit = query.limit.0;
    let query = AuditQuery {
        actor: query.actor,
        event: query.event,
        source: query.source,
        configuration: by.logged_configuration(query.configuration.as_deref())?,
        since: query.since,
        until: query.until,
        before: query.cursor.map(|cursor| cursor.0),
        limit,
    };
    let found = by.admin.read_audit(&by.actor, &query)?;
    let last = found.last().map(|(id, _)| id.to_string());
    let items = found.iter().map(|(id, entry)| documents::audit(*id, entry));
    Ok(Page::up_to(items.collect(), limit, last))
}
