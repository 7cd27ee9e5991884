//! What waits for an administrator: what the guards hold, and links.

use scim_admin::AdminError;
use scim_admin::policy::{LinkRequest, LinksQuery, Which};
use serde_json::{Value, json};

use super::answer::{ApiAnswer, Problem, tag};
use super::handlers::{Answered, items, page, whole};
use super::records::place;
use super::{Call, input};
use crate::documents;

/// What the tag of the held changes is made of, however many pages they have.
pub(super) fn held(call: &Call<'_>) -> Result<Value, Problem> {
    Ok(json!(call.api.admin.held_end(call.id()?)?))
}

pub(super) fn list_held(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let admin = &call.api.admin;
    let found = admin.held(call.id()?, place(call)?, limit)?;
    let last = found.last().map(|change| change.id.clone());
    let items = found.iter().map(documents::held).collect();
    Ok(ApiAnswer {
        tag: Some(tag(&held(call)?)),
        ..page(items, limit, last)
    })
}

pub(super) fn allow_held(call: &Call<'_>) -> Answered {
    decide(call, true)
}

pub(super) fn reject_held(call: &Call<'_>) -> Answered {
    decide(call, false)
}

fn decide(call: &Call<'_>, allow: bool) -> Answered {
    let chosen: input::HeldInput = call.read()?;
    let which = match (chosen.all, chosen.users.is_empty()) {
        (true, true) => Which::All,
        (false, false) => Which::Users(chosen.users),
        _ => return Err(Problem::new(422, "Name \"users\", or say \"all\": true.")),
    };
    let (admin, id) = (&call.api.admin, call.id()?);
    if which == Which::All && admin.held_end(id)?.0 == 0 {
        return Ok(whole(Vec::new()));
    }
    let decided = admin.decide_held(&call.actor, id, which, allow);
    let decided = decided.map_err(|error| match error {
        // The configuration is there: it is the body that names what is not held.
        AdminError::NotFound { .. } => Problem::new(422, format!("{error}.")),
        other => other.into(),
    })?;
    Ok(whole(decided.iter().map(documents::held).collect()))
}

/// What the tag of the links is made of; what they would change of the persons is part of it.
pub(super) fn links(call: &Call<'_>) -> Result<Value, Problem> {
    found_links(call, false)
}

/// What the tag of the dismissed links is made of.
pub(super) fn dismissed(call: &Call<'_>) -> Result<Value, Problem> {
    found_links(call, true)
}

fn found_links(call: &Call<'_>, dismissed: bool) -> Result<Value, Problem> {
    let (admin, id) = (&call.api.admin, call.id()?);
    let query = LinksQuery {
        dismissed,
        ..LinksQuery::default()
    };
    let found = admin.link_requests(id, &query)?;
    let found = documents::links(admin, &call.api.provider, id, &found)?;
    Ok(items(found.into_iter()))
}

pub(super) fn list_links(call: &Call<'_>) -> Answered {
    links(call).map(ApiAnswer::document)
}

pub(super) fn approve_link(call: &Call<'_>) -> Answered {
    let link = chosen_link(call)?;
    let (admin, provider) = (&call.api.admin, &call.api.provider);
    admin.approve_link(&call.actor, provider, call.id()?, &link)?;
    list_links(call)
}

pub(super) fn dismiss_link(call: &Call<'_>) -> Answered {
    let link = chosen_link(call)?;
    let admin = &call.api.admin;
    admin.dismiss_link(&call.actor, call.id()?, &link)?;
    list_links(call)
}

pub(super) fn list_dismissed(call: &Call<'_>) -> Answered {
    dismissed(call).map(ApiAnswer::document)
}

pub(super) fn restore_link(call: &Call<'_>) -> Answered {
    let chosen: input::DismissedLinkInput = call.read()?;
    let (admin, id) = (&call.api.admin, call.id()?);
    let link = admin.dismissed_link(id, &chosen.link);
    let link = link.map_err(|error| match error {
        AdminError::NotFound { .. } => Problem::new(422, "No such link was dismissed."),
        error => error.into(),
    })?;
    admin.restore_link(&call.actor, id, &link)?;
    list_dismissed(call)
}

fn chosen_link(call: &Call<'_>) -> Result<LinkRequest, Problem> {
    let chosen: input::LinkInput = call.read()?;
    let admin = &call.api.admin;
    let link = admin.chosen_link(call.id()?, &chosen.person, chosen.link.as_deref());
    link.map_err(|error| match error {
        AdminError::NotFound { .. } => Problem::new(422, "No such link waits."),
        error => error.into(),
    })
}
