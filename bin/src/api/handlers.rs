//! What each route does: from JSON to the services, and back.

use scim_admin::account::Role;
use scim_admin::configuration::parse_profile;
use scim_admin::event::{AuditQuery, EventQuery};
use scim_admin::policy::Which;
use scim_admin::{ConfigurationInput, IdentityProvider, ProvisioningConfiguration, VersionChoice};
use scim_mapping::{CustomField, MappedResource};
use scim_protocol::Profile;
use scim_provisioning::{Policies, ResourceKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Call;
use super::answer::{ApiAnswer, Problem};
use crate::commands::{account, api_key, configuration as configurations, events, group, held};
use crate::commands::{link, mapping as mappings, token as tokens, user};

type Answered = Result<ApiAnswer, Problem>;

impl Call<'_> {
    fn part(&self, at: usize) -> &str {
        self.parts.get(at).copied().unwrap_or_default()
    }

    /// Reads the body.
    fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Problem> {
        serde_json::from_value(self.body.clone())
            .map_err(|error| Problem::new(400, format!("The body does not fit: {error}.")))
    }

    fn found(&self) -> Result<ProvisioningConfiguration, Problem> {
        Ok(self.api.admin.configuration(self.part(0))?)
    }

    fn id(&self) -> Result<String, Problem> {
        Ok(self.found()?.id.to_string())
    }

    fn document(&self, found: &ProvisioningConfiguration) -> Value {
        configurations::document(&self.api.scim_endpoint, found)
    }

    fn resource(&self) -> Result<(MappedResource, ResourceKind), Problem> {
        match self.part(1) {
            "user" => Ok((MappedResource::User, ResourceKind::User)),
            "group" => Ok((MappedResource::Group, ResourceKind::Group)),
            _ => Err(Problem::not_found("A mapping is of \"user\" or \"group\".")),
        }
    }
}

/// A page, and where the next one begins.
fn page(items: Vec<Value>, limit: i64, last: Option<String>) -> ApiAnswer {
    let full = i64::try_from(items.len()).is_ok_and(|count| count == limit);
    let next = last.filter(|_| full);
    ApiAnswer {
        tag: None,
        ..ApiAnswer::document(json!({ "items": items, "next": next }))
    }
}

fn whole(items: Vec<Value>) -> ApiAnswer {
    ApiAnswer {
        tag: None,
        ..ApiAnswer::document(json!({ "items": items, "next": null }))
    }
}

// Configurations

/// What a client sends of a configuration; what is not named stays.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    name: Option<String>,
    description: Option<String>,
    provisioning_type: Option<Provisioning>,
    identity_provider: Option<String>,
    profile: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provisioning {
    users: Option<bool>,
    groups: Option<bool>,
}

impl Input {
    fn over(self, before: ConfigurationInput) -> Result<ConfigurationInput, Problem> {
        let unknown = |what: &str| Problem::new(422, format!("The {what} is not known."));
        let types = self.provisioning_type;
        let chosen = |of: fn(&Provisioning) -> Option<bool>, before| {
            types.as_ref().and_then(of).unwrap_or(before)
        };
        Ok(ConfigurationInput {
            users: chosen(|types| types.users, before.users),
            groups: chosen(|types| types.groups, before.groups),
            name: self.name.unwrap_or(before.name),
            description: self.description.unwrap_or(before.description),
            identity_provider: match self.identity_provider {
                Some(name) => {
                    IdentityProvider::parse(&name).ok_or_else(|| unknown("identityProvider"))?
                }
                None => before.identity_provider,
            },
            profile: match self.profile {
                Some(name) => parse_profile(&name).ok_or_else(|| unknown("profile"))?,
                None => before.profile,
            },
            policies: before.policies,
        })
    }
}

fn input_of(found: &ProvisioningConfiguration) -> ConfigurationInput {
    ConfigurationInput {
        name: found.name.clone(),
        description: found.description.clone(),
        users: found.users,
        groups: found.groups,
        identity_provider: found.identity_provider,
        profile: found.profile,
        policies: found.policies,
    }
}

pub(super) fn list_configurations(call: &Call<'_>) -> Answered {
    let found = call.api.admin.configurations(call.query.text("q"))?;
    Ok(whole(found.iter().map(|one| call.document(one)).collect()))
}

pub(super) fn add_configuration(call: &Call<'_>) -> Answered {
    let fresh = ConfigurationInput {
        name: String::new(),
        description: String::new(),
        users: true,
        groups: true,
        identity_provider: IdentityProvider::default(),
        profile: Profile::Tolerant,
        policies: Policies::default(),
    };
    let input = call.read::<Input>()?.over(fresh)?;
    let (added, token) = call.api.admin.add_configuration(&call.actor, &input)?;
    let mut document = call.document(&added);
    if let Some(members) = document.as_object_mut() {
        members.insert("token".to_owned(), tokens::issued(&token));
    }
    let location = format!("/configurations/{}", added.id);
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::created(document, location)
    })
}

pub(super) fn configuration(call: &Call<'_>) -> Result<Value, Problem> {
    Ok(call.document(&call.found()?))
}

pub(super) fn show_configuration(call: &Call<'_>) -> Answered {
    configuration(call).map(ApiAnswer::document)
}

pub(super) fn edit_configuration(call: &Call<'_>) -> Answered {
    let found = call.found()?;
    let input = call.read::<Input>()?.over(input_of(&found))?;
    let id = found.id.to_string();
    call.api
        .admin
        .edit_configuration(&call.actor, &id, &input)?;
    show_configuration_of(call, &id)
}

fn show_configuration_of(call: &Call<'_>, id: &str) -> Answered {
    let found = call.api.admin.configuration(id)?;
    Ok(ApiAnswer::document(call.document(&found)))
}

pub(super) fn delete_configuration(call: &Call<'_>) -> Answered {
    call.api
        .admin
        .delete_configuration(&call.actor, &call.id()?)?;
    Ok(ApiAnswer::empty())
}

pub(super) fn enable(call: &Call<'_>) -> Answered {
    switch(call, true)
}

pub(super) fn disable(call: &Call<'_>) -> Answered {
    switch(call, false)
}

fn switch(call: &Call<'_>, enabled: bool) -> Answered {
    let id = call.id()?;
    call.api
        .admin
        .enable_configuration(&call.actor, &id, enabled)?;
    show_configuration_of(call, &id)
}

// Policy

pub(super) fn policy(call: &Call<'_>) -> Result<Value, Problem> {
    Ok(json!(call.found()?.policies))
}

pub(super) fn show_policy(call: &Call<'_>) -> Answered {
    policy(call).map(ApiAnswer::document)
}

pub(super) fn edit_policy(call: &Call<'_>) -> Answered {
    let found = call.found()?;
    let Value::Object(changes) = &call.body else {
        return Err(Problem::new(400, "The body is not a JSON object."));
    };
    let mut merged = json!(found.policies);
    merge(&mut merged, changes)?;
    let policies: Policies = serde_json::from_value(merged)
        .map_err(|error| Problem::new(422, format!("The policy does not fit: {error}.")))?;
    let input = ConfigurationInput {
        policies,
        ..input_of(&found)
    };
    let id = found.id.to_string();
    let edited = call
        .api
        .admin
        .edit_configuration(&call.actor, &id, &input)?;
    Ok(ApiAnswer::document(json!(edited.policies)))
}

/// Puts members in the place of those that are there; there must be such members.
fn merge(document: &mut Value, changes: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in changes {
        let place = document
            .get_mut(name)
            .ok_or_else(|| Problem::new(422, format!("The policy has no member \"{name}\".")))?;
        match value {
            Value::Object(inner) if name == "guard" => merge(place, inner)?,
            value => *place = value.clone(),
        }
    }
    Ok(())
}

// Tokens

pub(super) fn list_tokens(call: &Call<'_>) -> Answered {
    let found = call.api.admin.tokens(&call.id()?)?;
    Ok(whole(found.iter().map(tokens::document).collect()))
}

pub(super) fn token(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.tokens(&call.id()?)?;
    let token = found.iter().find(|token| token.id == call.part(1));
    token
        .map(tokens::document)
        .ok_or_else(|| Problem::not_found("There is no such token."))
}

pub(super) fn add_token(call: &Call<'_>) -> Answered {
    let id = call.id()?;
    let issued = call.api.admin.add_token(&call.actor, &id)?;
    let location = format!("/configurations/{id}/tokens/{}", issued.token.id);
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::created(tokens::issued(&issued), location)
    })
}

pub(super) fn reveal_token(call: &Call<'_>) -> Answered {
    token(call)?;
    let id = Some(call.part(1));
    let shown = call.api.admin.reveal_token(&call.actor, &call.id()?, id)?;
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::document(tokens::issued(&shown))
    })
}

pub(super) fn revoke_token(call: &Call<'_>) -> Answered {
    let id = Some(call.part(1));
    call.api.admin.revoke_tokens(&call.actor, &call.id()?, id)?;
    Ok(ApiAnswer::empty())
}

// Mappings

/// The active version, and the draft where there is one.
pub(super) fn mapping(call: &Call<'_>) -> Result<Value, Problem> {
    let (resource, _) = call.resource()?;
    let (configuration, versions) = call.api.admin.mappings(&call.id()?, resource)?;
    let active = match resource {
        MappedResource::User => configuration.model.user,
        MappedResource::Group => configuration.model.group,
    };
    let shown = |state: &str| {
        let found = versions
            .iter()
            .find(|version| version.state(active) == state)?;
        let mut document = mappings::about(found, active);
        if let Some(members) = document.as_object_mut() {
            members.insert("mapping".to_owned(), found.document());
        }
        Some(document)
    };
    Ok(json!({ "active": shown("active"), "draft": shown("draft") }))
}

pub(super) fn show_mapping(call: &Call<'_>) -> Answered {
    mapping(call).map(ApiAnswer::document)
}

/// A draft, with what is to be said of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    mapping: Value,
    #[serde(default)]
    note: String,
}

pub(super) fn draft_mapping(call: &Call<'_>) -> Answered {
    call.resource()?;
    let draft: Draft = call.read()?;
    let of = draft.mapping.get("resource").and_then(Value::as_str);
    if of != Some(call.part(1)) {
        let said = format!("The mapping is not of the resource \"{}\".", call.part(1));
        return Err(Problem::new(422, said));
    }
    let admin = &call.api.admin;
    let (_, warnings) =
        admin.draft_mapping(&call.actor, &call.id()?, &draft.mapping, &draft.note)?;
    let document = mapping(call)?;
    let mut answer = ApiAnswer::document(document);
    if let Some(Value::Object(members)) = &mut answer.body {
        members.insert("warnings".to_owned(), json!(warnings));
    }
    Ok(answer)
}

pub(super) fn activate_mapping(call: &Call<'_>) -> Answered {
    let (resource, _) = call.resource()?;
    call.api
        .admin
        .activate_mapping(&call.actor, &call.id()?, resource)?;
    show_mapping(call)
}

pub(super) fn list_versions(call: &Call<'_>) -> Answered {
    let (resource, _) = call.resource()?;
    let (configuration, versions) = call.api.admin.mappings(&call.id()?, resource)?;
    let active = match resource {
        MappedResource::User => configuration.model.user,
        MappedResource::Group => configuration.model.group,
    };
    let versions = versions
        .iter()
        .map(|version| mappings::about(version, active));
    Ok(whole(versions.collect()))
}

/// Which version is tried.
fn choice(call: &Call<'_>) -> VersionChoice {
    match call.query.text("version") {
        Some("draft") => VersionChoice::Draft,
        Some(number) => number
            .parse()
            .map_or(VersionChoice::Active, VersionChoice::Number),
        None => VersionChoice::Active,
    }
}

pub(super) fn preview(call: &Call<'_>) -> Answered {
    let (resource, kind) = call.resource()?;
    let configuration = call.found()?;
    let id = configuration.id.to_string();
    let source = call.api.admin.model(&id, resource, choice(call))?;
    let configuration = configuration.to_provisioning();
    let provider = &call.api.provider;
    let preview = provider.preview(&configuration, &source, kind, call.body.clone())?;
    Ok(computed(json!(preview)))
}

pub(super) fn impact(call: &Call<'_>) -> Answered {
    let (resource, _) = call.resource()?;
    let configuration = call.found()?;
    let id = configuration.id.to_string();
    let source = call.api.admin.model(&id, resource, choice(call))?;
    let impact = call
        .api
        .provider
        .impact(&configuration.to_provisioning(), &source)?;
    Ok(computed(json!(impact)))
}

/// A document that was computed and is kept nowhere.
fn computed(document: Value) -> ApiAnswer {
    ApiAnswer {
        tag: None,
        ..ApiAnswer::document(document)
    }
}

// What waits

pub(super) fn list_held(call: &Call<'_>) -> Answered {
    let found = call.api.admin.held(&call.id()?)?;
    Ok(whole(found.iter().map(held::document).collect()))
}

/// Which held changes: of these users, or all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    all: bool,
}

pub(super) fn allow_held(call: &Call<'_>) -> Answered {
    decide(call, true)
}

pub(super) fn reject_held(call: &Call<'_>) -> Answered {
    decide(call, false)
}

fn decide(call: &Call<'_>, allow: bool) -> Answered {
    let chosen: Chosen = call.read()?;
    let which = match (chosen.all, chosen.users.is_empty()) {
        (true, true) => Which::All,
        (false, false) => Which::Users(chosen.users),
        _ => return Err(Problem::new(422, "Name \"users\", or say \"all\": true.")),
    };
    let decided = call
        .api
        .admin
        .decide_held(&call.actor, &call.id()?, which, allow)?;
    Ok(whole(decided.iter().map(held::document).collect()))
}

pub(super) fn list_links(call: &Call<'_>) -> Answered {
    let found = call.api.admin.link_requests(&call.id()?)?;
    Ok(whole(found.iter().map(link::document).collect()))
}

// Log, directory, audit

pub(super) fn list_events(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let configuration = match call.query.text("configuration") {
        Some(name) => Some(call.api.admin.configuration(name)?.id),
        None => None,
    };
    let after = match call.query.text("cursor").map(str::parse) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => return Err(Problem::new(400, "The cursor is none of this list.")),
    };
    let query = EventQuery {
        configuration,
        outcome: call.query.text("outcome").map(str::to_owned),
        after: after.or(Some(0)),
        limit,
        ..EventQuery::default()
    };
    let found = call.api.admin.events(&query)?;
    let last = found.last().map(|event| event.id.to_string());
    Ok(page(
        found.iter().map(events::document).collect(),
        limit,
        last,
    ))
}

pub(super) fn show_event(call: &Call<'_>) -> Answered {
    let id: Option<i64> = call.part(0).parse().ok();
    let query = EventQuery {
        after: id.map(|id| id - 1),
        limit: 1,
        ..EventQuery::default()
    };
    let found = match id {
        Some(_) => call.api.admin.events(&query)?,
        None => Vec::new(),
    };
    match found.first().filter(|event| Some(event.id) == id) {
        Some(event) => Ok(ApiAnswer::document(events::document(event))),
        None => Err(Problem::not_found("There is no such event.")),
    }
}

pub(super) fn list_users(call: &Call<'_>) -> Answered {
    let (limit, query) = (call.query.limit()?, &call.query);
    let admin = &call.api.admin;
    let found = admin.people(query.text("q"), query.text("cursor"), limit)?;
    let last = found.last().map(|person| person.id.clone());
    Ok(page(
        found.iter().map(user::document).collect(),
        limit,
        last,
    ))
}

pub(super) fn list_groups(call: &Call<'_>) -> Answered {
    let (limit, query) = (call.query.limit()?, &call.query);
    let admin = &call.api.admin;
    let found = admin.groups(query.text("q"), query.text("cursor"), limit)?;
    let last = found.last().map(|group| group.id.clone());
    Ok(page(
        found.iter().map(group::document).collect(),
        limit,
        last,
    ))
}

pub(super) fn list_audit(call: &Call<'_>) -> Answered {
    let limit = call.query.limit()?;
    let before = match call.query.text("cursor").map(str::parse) {
        None => None,
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => return Err(Problem::new(400, "The cursor is none of this list.")),
    };
    let found = call.api.admin.audit(&AuditQuery {
        before,
        limit,
        ..AuditQuery::default()
    })?;
    let last = found.last().map(|(id, _)| id.to_string());
    let items = found.iter().map(|(id, entry)| {
        json!({
            "id": id,
            "at": crate::commands::value::instant(entry.at),
            "actor": entry.actor,
            "source": entry.source,
            "event": entry.event,
            "object": entry.object,
            "details": entry.details,
        })
    });
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

pub(super) fn delete_field(call: &Call<'_>) -> Answered {
    call.api
        .admin
        .delete_custom_field(&call.actor, call.part(0))?;
    Ok(ApiAnswer::empty())
}

// Accounts and keys

pub(super) fn list_accounts(call: &Call<'_>) -> Answered {
    let found = call.api.admin.accounts()?;
    Ok(whole(found.iter().map(account::document).collect()))
}

pub(super) fn list_keys(call: &Call<'_>) -> Answered {
    let found = call.api.admin.api_keys()?;
    Ok(whole(found.iter().map(api_key::document).collect()))
}

pub(super) fn key(call: &Call<'_>) -> Result<Value, Problem> {
    let found = call.api.admin.api_keys()?;
    let key = found.iter().find(|key| key.id == call.part(0));
    key.map(api_key::document)
        .ok_or_else(|| Problem::not_found("There is no such API key."))
}

pub(super) fn show_key(call: &Call<'_>) -> Answered {
    key(call).map(ApiAnswer::document)
}

/// A key to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: String,
    role: String,
    #[serde(default = "days")]
    days: i64,
}

fn days() -> i64 {
    90
}

pub(super) fn add_key(call: &Call<'_>) -> Answered {
    let new: NewKey = call.read()?;
    let role = Role::parse(&new.role)
        .ok_or_else(|| Problem::new(422, "A role is administrator or auditor."))?;
    let issued = call
        .api
        .admin
        .add_api_key(&call.actor, &new.name, role, new.days)?;
    let location = format!("/api-keys/{}", issued.key.id);
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::created(api_key::issued(&issued), location)
    })
}

pub(super) fn revoke_key(call: &Call<'_>) -> Answered {
    call.api.admin.revoke_api_key(&call.actor, call.part(0))?;
    Ok(ApiAnswer::empty())
}
