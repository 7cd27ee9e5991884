//! Rehearsals of configurations: begun, looked at, let go live, discarded.

use scim_admin::rehearsal::{RehearsedAction, RehearsedPlace};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use utoipa::IntoParams;

use super::access::{Administrator, Auditor, Configure, Operate};
use super::answer::{Computed, Created, Done};
use super::extract::{Json, Path, Query};
use super::operation::{Operation, operations};
use super::parameters::{ConfigurationPath, Limit, words};
use super::{Problem, input};
use crate::documents::{self, Rehearsal, RehearsalBegun, RehearsalLive};

pub(super) fn operations() -> Vec<Operation> {
    operations![
        show_rehearsal,
        begin_rehearsal,
        discard_rehearsal,
        let_rehearsal_go_live,
    ]
}

words! {
    /// What would happen.
    Action(RehearsedAction): "action", RehearsedAction::ALL, RehearsedAction::as_str
}

/// A page of what would happen.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RehearsedParameters {
    /// What happens so alone
    #[param(inline)]
    action: Option<Action>,
    /// `next` of the page before
    #[serde(default, deserialize_with = "place")]
    #[param(value_type = Option<String>, pattern = "^r?[0-9]{1,18}$")]
    cursor: Option<RehearsedPlace>,
    /// How many items a page has
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
}

fn place<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RehearsedPlace>, D::Error> {
    let text = String::deserialize(from)?;
    let place = RehearsedPlace::parse(&text);
    let place = place.ok_or_else(|| D::Error::custom("The cursor is none of this list."))?;
    Ok(Some(place))
}

/// Read what would happen if the rehearsal went live, and what moved meanwhile.
#[utoipa::path(get, path = "/configurations/{configuration}/rehearsal")]
fn show_rehearsal(
    by: Auditor,
    Path(path): Path<ConfigurationPath>,
    Query(query): Query<RehearsedParameters>,
) -> Result<Computed<Rehearsal>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    let rehearsal = by.admin.rehearsal(&found)?;
    let action = query.action.map(|word| word.0);
    let limit = usize::try_from(query.limit.0).unwrap_or_default();
    let after = query.cursor.unwrap_or(RehearsedPlace::FIRST);
    let page = by.admin.rehearsed_items(&rehearsal, action, after, limit)?;
    let moved = match query.cursor {
        None => Some(by.admin.moved_since(&rehearsal, MOVED)?),
        Some(_) => None,
    };
    Ok(Computed(documents::rehearsal(
        &found,
        &rehearsal,
        &page,
        moved.as_deref(),
    )))
}

/// Begin to rehearse: the identity provider is answered from a copy of the directory.
#[utoipa::path(post, path = "/configurations/{configuration}/rehearsal")]
fn begin_rehearsal(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
) -> Result<Created<RehearsalBegun>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    let begun = by.admin.begin_rehearsal(&by.actor, &found)?;
    let location = format!("/configurations/{}/rehearsal", found.id);
    Ok(Created::secret(
        documents::rehearsal_begun(&found, &begun),
        location,
    ))
}

/// Forget what was rehearsed. Ids that the identity provider was told are not there from then on.
#[utoipa::path(delete, path = "/configurations/{configuration}/rehearsal")]
fn discard_rehearsal(
    by: Administrator<Configure>,
    Path(path): Path<ConfigurationPath>,
) -> Result<Done, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    by.admin.discard_rehearsal(&by.actor, &found)?;
    Ok(Done)
}

/// Carry over what was rehearsed, as a run, and enable the configuration.
#[utoipa::path(post, path = "/configurations/{configuration}/rehearsal/go-live")]
fn let_rehearsal_go_live(
    by: Administrator<Operate>,
    Path(path): Path<ConfigurationPath>,
    wanted: Json<input::GoLiveInput>,
) -> Result<Computed<RehearsalLive>, Problem> {
    let found = by.admin.find_configuration(&path.configuration)?;
    let wanted = wanted.read()?;
    let begun = by
        .admin
        .begin_going_live(&by.actor, &found, wanted.anyway)?;
    let run = begun.live.as_ref().map(|live| live.run);
    let mut is_done = false;
    // The server goes on with what is more than a request waits for.
    for _ in 0..STEPS {
        if wanted.background || is_done {
            break;
        }
        is_done = by.admin.step_going_live(Some(begun.id))?.is_none();
    }
    Ok(Computed(documents::rehearsal_live(run, is_done)))
}

/// How many of those that moved are named.
const MOVED: usize = 100;
/// How many steps are done before a request is answered.
const STEPS: usize = 200;
