//! What needs somebody.

use scim_admin::alert::{AlertState, AlertsQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::Auditor;
use super::answer::Page;
use super::extract::Query;
use super::operation::{Operation, operations};
use super::parameters::{IdCursor, Limit, words};
use crate::documents::{self, Alert};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_alerts]
}

words! {
    /// Whether they are over.
    State(AlertState): "state", AlertState::ALL, AlertState::as_str
}

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AlertsParameters {
    /// Those that are `open`, which is the default, that are `over`, or `all`
    #[param(inline)]
    state: Option<State>,
    /// `next` of the page before
    #[param(inline)]
    cursor: Option<IdCursor>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

/// List what needs somebody, the newest first.
#[utoipa::path(get, path = "/alerts")]
fn list_alerts(by: Auditor, Query(query): Query<AlertsParameters>) -> Result<Page<Alert>, Problem> {
    let limit = query.limit.0;
    let found = by.admin.alerts(&AlertsQuery {
        state: query.state.map_or(AlertState::Open, |word| word.0),
        before: query.cursor.map(|cursor| cursor.0),
        limit,
    })?;
    let last = found.last().map(|alert| alert.id.clone());
    let items = found.iter().map(documents::alert).collect();
    Ok(Page::up_to(items, limit, last))
}
