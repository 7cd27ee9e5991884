//! The log, the directory, the audit, custom fields, accounts and keys.

use chrono::{DateTime, Utc};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::event::{AuditQuery, EventQuery, EventState};
use scim_admin::people::{GroupsQuery, ManagedBy, PeopleQuery, PersonChange, UserType};
use scim_admin::scope::Scopes;
use scim_mapping::CustomField;
use scim_provisioning::ConfigurationId;
use scim_provisioning::event::{Action, Outcome};
use serde_json::{Value, json};

use super::answer::{ApiAnswer, Problem};
use super::handlers::{Answered, page, whole};
use super::{Call, input};
use crate::documents;

/// The value of a parameter, if it is one of these.
fn one_of(call: &Call<'_>, name: &str, known: &[&str]) -> Result<Option<String>, Problem> {
    match call.query.text(name) {
        None => Ok(None),
        Some(value) if known.contains(&value) => Ok(Some(value.to_owned())),
        Some(_) => {
            let known = known.join(", ");
            Err(Problem::new(400, format!("\"{name}\" is one of {known}.")))
        }
    }
}

/// The instant that a parameter names.
fn time(call: &Call<'_>, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    match call.query.text(name).map(str::parse) {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(_)) => Err(Problem::new(
            400,
            format!("\"{name}\" is a time like 2026-11-24T10:00:00Z."),
        )),
    }
}

/// The id behind which a page begins.
pub(super) fn place<'c>(call: &'c Call<'_>) -> Result<Option<&'c str>, Problem> {
    match call.query.text("cursor") {
        Some(cursor) if !is_id(cursor) => {
            Err(Problem::new(400, "The cursor is none of this list."))
        }
        cursor => Ok(cursor),
    }
}

fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// The entry behind or before which a page begins.
fn cursor(call: &Call<'_>) -> Result<Option<i64>, Problem> {
    match call.query.text("cursor").map(str::parse) {
        None => Ok(None),
        Some(Ok(at)) => Ok(Some(at)),
        Some(Err(_)) => Err(Problem::new(400, "The cursor is none of this list.")),
    }
}

/// The configuration that the query names.
fn named(call: &Call<'_>) -> Result<Option<ConfigurationId>, Problem> {
    match call.query.text("configuration") {
        Some(name) => Ok(Some(call.api.admin.find_configuration(name)?.id)),
        None => Ok(None),
    }
}

pub(super) fn list_events(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let query = EventQuery {
        configuration: named(call)?,
        outcome: one_of(call, "outcome", &outcomes())?,
        action: one_of(call, "action", &actions())?,
        resource_type: one_of(call, "resourceType", &["User", "Group"])?,
        search: call.query.text("q").map(str::to_owned),
        state: one_of(call, "state", &states())?
            .as_deref()
            .and_then(EventState::parse),
        since: time(call, "since")?,
        until: time(call, "until")?,
        after: Some(cursor(call)?.unwrap_or(0)),
        before: None,
        limit,
    };
    let found = call.api.admin.events(&query)?;
    let last = found.last().map(|event| event.id.to_string());
    Ok(page(
        found.iter().map(documents::event).collect(),
        limit,
        last,
    ))
}

fn event_id(call: &Call<'_>) -> Result<i64, Problem> {
    let id = call.part(0).parse();
    id.map_err(|_number| Problem::not_found("There is no such event."))
}

pub(super) fn event(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.event(event_id(call)?)?;
    Ok(documents::event(&found))
}

pub(super) fn show_event(call: &Call<'_>) -> Answered {
    event(call).map(ApiAnswer::document)
}

pub(super) fn resolve_event(call: &Call<'_>) -> Answered {
    let id = event_id(call)?;
    let resolved = call.api.admin.resolve_event(&call.actor, id)?;
    Ok(ApiAnswer::document(documents::event(&resolved)))
}

pub(super) fn reopen_event(call: &Call<'_>) -> Answered {
    let id = event_id(call)?;
    let open = call.api.admin.reopen_event(&call.actor, id)?;
    Ok(ApiAnswer::document(documents::event(&open)))
}

pub(super) fn list_users(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let user_type = one_of(call, "userType", &["requester", "technician"])?;
    let found = call.api.admin.people(&PeopleQuery {
        search: call.query.text("q").map(str::to_owned),
        status: one_of(call, "status", &["active", "blocked", "archived"])?,
        user_type: user_type.as_deref().and_then(UserType::parse),
        managed_by: named(call)?.map_or(ManagedBy::Anybody, ManagedBy::Configuration),
        after: place(call)?.map(str::to_owned),
        limit,
    })?;
    let last = found.last().map(|person| person.id.clone());
    Ok(page(
        found.iter().map(documents::user).collect(),
        limit,
        last,
    ))
}

pub(super) fn user(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.person(call.part(0))?;
    Ok(documents::user_detail(&found))
}

pub(super) fn show_user(call: &Call<'_>) -> Answered {
    user(call).map(ApiAnswer::document)
}

pub(super) fn edit_user(call: &Call<'_>) -> Answered {
    let given: input::UserInput = call.read()?;
    let change = match (
        given.status.as_deref(),
        given.user_type.as_deref(),
        given.managed_by,
    ) {
        (Some("active"), None, None) => PersonChange::Unblock,
        (Some("blocked"), None, None) => PersonChange::Block,
        (Some("archived"), None, None) => PersonChange::Archive,
        (None, Some(name), None) => {
            PersonChange::Convert(UserType::parse(name).ok_or_else(user_change)?)
        }
        (None, None, Some(Value::Null)) => PersonChange::Unlink,
        _ => return Err(user_change()),
    };
    call.api
        .admin
        .change_person(&call.actor, call.part(0), change)?;
    show_user(call)
}

fn user_change() -> Problem {
    let said = "Say one of \"status\": active, blocked or archived, \"userType\": requester or \
                technician, and \"managedBy\": null.";
    Problem::new(422, said)
}

pub(super) fn list_groups(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let found = call.api.admin.groups(&GroupsQuery {
        search: call.query.text("q").map(str::to_owned),
        managed_by: named(call)?.map_or(ManagedBy::Anybody, ManagedBy::Configuration),
        after: place(call)?.map(str::to_owned),
        limit,
    })?;
    let last = found.last().map(|group| group.id.clone());
    Ok(page(
        found.iter().map(documents::group).collect(),
        limit,
        last,
    ))
}

pub(super) fn group(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.group(call.part(0))?;
    Ok(documents::group_detail(&found))
}

pub(super) fn show_group(call: &Call<'_>) -> Answered {
    group(call).map(ApiAnswer::document)
}

pub(super) fn edit_group(call: &Call<'_>) -> Answered {
    let given: input::GroupInput = call.read()?;
    if !given.managed_by.is_null() {
        return Err(Problem::new(422, "Say \"managedBy\": null."));
    }
    let admin = &call.api.admin;
    admin.unlink_group(&call.actor, call.part(0))?;
    show_group(call)
}

pub(super) fn list_members(call: &Call<'_>) -> Answered {
    let (limit, admin) = (call.query.limit()?, &call.api.admin);
    let group = admin.group(call.part(0))?.group.id;
    let found = admin.members(&group, place(call)?, limit)?;
    let last = found.last().map(|member| member.id.clone());
    Ok(page(
        found.iter().map(documents::member).collect(),
        limit,
        last,
    ))
}

pub(super) fn list_audit(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let text = |name: &str| call.query.text(name).map(str::to_owned);
    let found = call.api.admin.read_audit(
        &call.actor,
        &AuditQuery {
            actor: text("actor"),
            event: text("event"),
            source: text("source"),
            configuration: named(call)?,
            since: time(call, "since")?,
            until: time(call, "until")?,
            before: cursor(call)?,
            limit,
        },
    )?;
    let last = found.last().map(|(id, _)| id.to_string());
    let items = found.iter().map(|(id, entry)| documents::audit(*id, entry));
    Ok(page(items.collect(), limit, last))
}

// Custom fields

pub(super) fn list_fields(call: &Call<'_>) -> Answered {
    let found = call.api.admin.custom_fields()?;
    Ok(whole(found.iter().map(|field| json!(field)).collect()))
}

pub(super) fn field(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.custom_fields()?;
    let field = found.iter().find(|field| field.key == call.part(0));
    field
        .map(|field| json!(field))
        .ok_or_else(|| Problem::not_found("There is no such custom field."))
}

pub(super) fn show_field(call: &Call<'_>) -> Answered {
    field(call).map(ApiAnswer::document)
}

pub(super) fn add_field(call: &Call<'_>) -> Answered {
    let field: CustomField = call.read()?;
    call.api.admin.add_custom_field(&call.actor, &field)?;
    let location = format!("/custom-fields/{}", field.key);
    Ok(ApiAnswer::created(json!(field), location))
}

pub(super) fn edit_field(call: &Call<'_>) -> Answered {
    let field: CustomField = call.read()?;
    if field.key != call.part(0) {
        return Err(Problem::new(422, "A field keeps its key."));
    }
    call.api.admin.edit_custom_field(&call.actor, &field)?;
    show_field(call)
}

pub(super) fn delete_field(call: &Call<'_>) -> Answered {
    call.api
        .admin
        .delete_custom_field(&call.actor, call.part(0))?;
    Ok(ApiAnswer::empty())
}

// Accounts and keys

pub(super) fn list_accounts(call: &Call<'_>) -> Answered {
    let found = call.api.admin.accounts()?;
    Ok(whole(found.iter().map(documents::account).collect()))
}

pub(super) fn account(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.account(call.part(0))?;
    Ok(documents::account(&found))
}

pub(super) fn show_account(call: &Call<'_>) -> Answered {
    account(call).map(ApiAnswer::document)
}

fn role(text: &str) -> Result<Role, Problem> {
    Role::parse(text).ok_or_else(|| Problem::new(422, "A role is administrator or auditor."))
}

pub(super) fn list_keys(call: &Call<'_>) -> Answered {
    let found = call.api.admin.api_keys()?;
    Ok(whole(found.iter().map(documents::api_key).collect()))
}

pub(super) fn key(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.api_keys()?;
    let key = found.iter().find(|key| key.id == call.part(0));
    key.map(documents::api_key)
        .ok_or_else(|| Problem::not_found("There is no such API key."))
}

pub(super) fn show_key(call: &Call<'_>) -> Answered {
    key(call).map(ApiAnswer::document)
}

pub(super) fn add_key(call: &Call<'_>) -> Answered {
    let new: input::NewKey = call.read()?;
    let admin = &call.api.admin;
    let scopes = match &new.scopes {
        Some(names) => Some(Scopes::parse(names.iter().map(String::as_str))?),
        None => None,
    };
    let input = ApiKeyInput {
        name: &new.name,
        role: role(&new.role)?,
        scopes,
        days: new.days,
    };
    let issued = admin.add_api_key(&call.actor, &input)?;
    let location = format!("/api-keys/{}", issued.key.id);
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::created(documents::issued_key(&issued), location)
    })
}

pub(super) fn list_made(call: &Call<'_>) -> Answered {
    let made = call.api.admin.made_by_key(call.part(0))?;
    let tokens = made.tokens.iter();
    Ok(whole(
        tokens
            .map(|(token, configuration)| documents::made(token, configuration))
            .collect(),
    ))
}

pub(super) fn revoke_key(call: &Call<'_>) -> Answered {
    call.api.admin.revoke_api_key(&call.actor, call.part(0))?;
    Ok(ApiAnswer::empty())
}

/// How log entries end.
pub(super) fn outcomes() -> [&'static str; 5] {
    Outcome::ALL.map(Outcome::as_str)
}

/// Whether log entries wait for somebody.
pub(super) fn states() -> [&'static str; 2] {
    EventState::ALL.map(EventState::as_str)
}

/// What log entries are about.
pub(super) fn actions() -> [&'static str; 9] {
    Action::ALL.map(Action::as_str)
}
