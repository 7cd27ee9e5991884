//! What each route does: from JSON to the services, and back.

use scim_admin::configuration::{parse_networks, parse_profile};
use scim_admin::mapping::DraftSeen;
use scim_admin::{
    AccessToken, ConfigurationInput, ConfigurationStatus, IdentityProvider,
    ProvisioningConfiguration, VersionChoice,
};
use scim_mapping::MappedResource;
use scim_provisioning::{ConfigurationId, Policies, ResourceKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{ApiAnswer, Problem, tag};
use super::{Call, input};
use crate::documents;

pub(super) type Answered = Result<ApiAnswer, Problem>;

impl Call<'_> {
    pub(super) fn part(&self, at: usize) -> &str {
        self.parts.get(at).copied().unwrap_or_default()
    }

    /// Reads the body.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Problem> {
        if !self.body.is_object() {
            return Err(Problem::new(400, "The body is not a JSON object."));
        }
        serde_json::from_value(self.body.clone())
            .map_err(|error| Problem::new(400, format!("The body does not fit: {error}.")))
    }

    /// The configuration that the path names, as it was when it was first looked for: what
    /// `If-Match` was compared with is what is changed.
    fn found(&self) -> Result<ProvisioningConfiguration, Problem> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let found = self.api.admin.find_configuration(self.part(0))?;
        Ok(self.found.get_or_init(|| found).clone())
    }

    fn draft_seen(&self) -> DraftSeen {
        self.draft.get().cloned().unwrap_or_default()
    }

    pub(super) fn id(&self) -> Result<ConfigurationId, Problem> {
        Ok(self.found()?.id)
    }

    fn document(&self, found: &ProvisioningConfiguration) -> Value {
        documents::configuration(&self.api.scim_endpoint, found)
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
pub(super) fn page(items: Vec<Value>, limit: i64, last: Option<String>) -> ApiAnswer {
    let full = i64::try_from(items.len()).is_ok_and(|count| count == limit);
    let next = last.filter(|_| full);
    ApiAnswer {
        tag: None,
        ..ApiAnswer::document(json!({ "items": items, "next": next }))
    }
}

pub(super) fn whole(found: Vec<Value>) -> ApiAnswer {
    ApiAnswer {
        tag: None,
        ..ApiAnswer::document(items(found.into_iter()))
    }
}

/// A list that has no second page.
pub(super) fn items(found: impl Iterator<Item = Value>) -> Value {
    json!({ "items": found.collect::<Vec<_>>(), "next": null })
}

// Configurations

impl input::ConfigurationInput {
    fn over(self, before: ConfigurationInput) -> Result<ConfigurationInput, Problem> {
        let unknown = |what: &str| Problem::new(422, format!("The {what} is not known."));
        let types = self.provisioning_type;
        let chosen = |of: fn(&input::ProvisioningInput) -> Option<bool>, before| {
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
            networks: match self.allowed_networks {
                Some(networks) => parse_networks(&networks.join(","))?,
                None => before.networks,
            },
        })
    }
}

pub(super) fn list_configurations(call: &Call<'_>) -> Answered {
    let found = call.api.admin.configurations(call.query.text("q"))?;
    Ok(whole(found.iter().map(|one| call.document(one)).collect()))
}

pub(super) fn add_configuration(call: &Call<'_>) -> Answered {
    let given = call.read::<input::ConfigurationInput>()?;
    let days = given.token_days;
    let input = given.over(ConfigurationInput::fresh())?;
    let admin = &call.api.admin;
    let (added, token) = admin.add_configuration(&call.actor, &input, days)?;
    let document = documents::added(&call.api.scim_endpoint, &added, &token);
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
    let given = call.read::<input::ConfigurationInput>()?;
    if given.token_days.is_some() {
        let said = "\"tokenDays\" is for a new configuration; set the \"expiresAt\" of a token.";
        return Err(Problem::new(422, said));
    }
    let input = given.over(ConfigurationInput::of(&found))?;
    let admin = &call.api.admin;
    let edited = admin.edit_configuration(&call.actor, &found, &input)?;
    Ok(ApiAnswer::document(call.document(&edited)))
}

pub(super) fn delete_configuration(call: &Call<'_>) -> Answered {
    call.api
        .admin
        .delete_configuration(&call.actor, call.id()?)?;
    Ok(ApiAnswer::empty())
}

pub(super) fn enable(call: &Call<'_>) -> Answered {
    switch(call, ConfigurationStatus::Enabled)
}

pub(super) fn pause(call: &Call<'_>) -> Answered {
    switch(call, ConfigurationStatus::Paused)
}

pub(super) fn disable(call: &Call<'_>) -> Answered {
    switch(call, ConfigurationStatus::Disabled)
}

fn switch(call: &Call<'_>, status: ConfigurationStatus) -> Answered {
    let admin = &call.api.admin;
    let switched = admin.set_status(&call.actor, &call.found()?, status)?;
    Ok(ApiAnswer::document(call.document(&switched)))
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
        ..ConfigurationInput::of(&found)
    };
    let edited = call
        .api
        .admin
        .edit_configuration(&call.actor, &found, &input)?;
    Ok(ApiAnswer::document(json!(edited.policies)))
}

/// Puts members in the place of those that are there; there must be such members.
/// The members of a policy of which a change names the parts.
const GUARDS: [&str; 2] = ["guard", "memberGuard"];

fn merge(document: &mut Value, changes: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in changes {
        let place = document
            .get_mut(name)
            .ok_or_else(|| Problem::new(422, format!("The policy has no member \"{name}\".")))?;
        match value {
            Value::Object(inner) if GUARDS.contains(&name.as_str()) => merge(place, inner)?,
            _ if GUARDS.contains(&name.as_str()) => {
                return Err(Problem::new(422, "The guard is a JSON object."));
            }
            value => *place = value.clone(),
        }
    }
    Ok(())
}

// Tokens

pub(super) fn list_tokens(call: &Call<'_>) -> Answered {
    let found = call.api.admin.tokens(call.id()?)?;
    Ok(whole(found.iter().map(documents::token).collect()))
}

fn found_token(call: &Call<'_>) -> Result<AccessToken, Problem> {
    let found = call.api.admin.tokens(call.id()?)?.into_iter();
    let mut found = found.filter(|token| token.id == call.part(1));
    found
        .next()
        .ok_or_else(|| Problem::not_found("There is no such token."))
}

/// What of a token its tag is made of: its use changes it all the time, and is no change of it.
pub(super) fn token(call: &Call<'_>) -> Result<Value, Problem> {
    let unused = AccessToken {
        first_used: None,
        last_used: None,
        last_used_from: None,
        last_used_by: None,
        ..found_token(call)?
    };
    Ok(documents::token(&unused))
}

pub(super) fn show_token(call: &Call<'_>) -> Answered {
    Ok(ApiAnswer {
        tag: Some(tag(&token(call)?)),
        ..ApiAnswer::document(documents::token(&found_token(call)?))
    })
}

pub(super) fn add_token(call: &Call<'_>) -> Answered {
    let id = call.id()?;
    let given: input::TokenInput = match &call.body {
        Value::Null => input::TokenInput::default(),
        _ => call.read()?,
    };
    let admin = &call.api.admin;
    let issued = admin.add_token(&call.actor, id, given.overlap_hours, given.days)?;
    let location = format!("/configurations/{id}/tokens/{}", issued.token.id);
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::created(documents::issued_token(&issued), location)
    })
}

pub(super) fn reveal_token(call: &Call<'_>) -> Answered {
    token(call)?;
    let id = Some(call.part(1));
    let shown = call.api.admin.reveal_token(&call.actor, call.id()?, id)?;
    Ok(ApiAnswer {
        tag: None,
        ..ApiAnswer::document(documents::issued_token(&shown))
    })
}

pub(super) fn edit_token(call: &Call<'_>) -> Answered {
    let end: input::TokenEnd = call.read()?;
    let (admin, id) = (&call.api.admin, call.id()?);
    admin.set_token_end(&call.actor, id, call.part(1), end.expires_at)?;
    show_token(call)
}

pub(super) fn revoke_token(call: &Call<'_>) -> Answered {
    let id = Some(call.part(1));
    call.api.admin.revoke_tokens(&call.actor, call.id()?, id)?;
    Ok(ApiAnswer::empty())
}

// Mappings

/// The active version, and the draft where there is one.
pub(super) fn mapping(call: &Call<'_>) -> Result<Value, Problem> {
    let (resource, _) = call.resource()?;
    let (configuration, versions) = call.api.admin.mappings(call.id()?, resource)?;
    // What `If-Match` is compared with is what a write goes by.
    call.draft.get_or_init(|| DraftSeen::among(&versions));
    let active = match resource {
        MappedResource::User => configuration.model.user,
        MappedResource::Group => configuration.model.group,
    };
    let shown = |state: &str| {
        let found = versions
            .iter()
            .find(|version| version.state(active) == state)?;
        Some(documents::Version::with_rules(found, active))
    };
    Ok(json!(documents::Mapping {
        active: shown("active"),
        draft: shown("draft"),
        warnings: None,
    }))
}

pub(super) fn show_mapping(call: &Call<'_>) -> Answered {
    mapping(call).map(ApiAnswer::document)
}

pub(super) fn draft_mapping(call: &Call<'_>) -> Answered {
    call.resource()?;
    let draft: input::DraftInput = call.read()?;
    let of = draft.mapping.get("resource").and_then(Value::as_str);
    if of != Some(call.part(1)) {
        let said = format!("The mapping is not of the resource \"{}\".", call.part(1));
        return Err(Problem::new(422, said));
    }
    let admin = &call.api.admin;
    let (rules, note) = (&draft.mapping, &draft.note);
    let seen = call.draft_seen();
    let (_, warnings) = admin.draft_mapping(&call.actor, call.id()?, rules, note, &seen)?;
    let document = mapping(call)?;
    let mut answer = ApiAnswer::document(document);
    if let Some(Value::Object(members)) = &mut answer.body {
        members.insert("warnings".to_owned(), json!(warnings));
    }
    Ok(answer)
}

pub(super) fn activate_mapping(call: &Call<'_>) -> Answered {
    let (resource, _) = call.resource()?;
    let given: input::VersionInput = match &call.body {
        Value::Null => input::VersionInput::default(),
        _ => call.read()?,
    };
    let (admin, id) = (&call.api.admin, call.id()?);
    match given.version {
        None => admin.activate_mapping(&call.actor, id, resource, &call.draft_seen())?,
        Some(number) => admin.roll_back_mapping(&call.actor, id, resource, number)?,
    };
    show_mapping(call)
}

pub(super) fn list_versions(call: &Call<'_>) -> Answered {
    let (resource, _) = call.resource()?;
    let (configuration, versions) = call.api.admin.mappings(call.id()?, resource)?;
    let active = match resource {
        MappedResource::User => configuration.model.user,
        MappedResource::Group => configuration.model.group,
    };
    let versions = versions
        .iter()
        .map(|version| documents::version(version, active));
    Ok(whole(versions.collect()))
}

/// Which version is tried.
fn choice(call: &Call<'_>) -> Result<VersionChoice, Problem> {
    match call.query.text("version") {
        None | Some("active") => Ok(VersionChoice::Active),
        Some("draft") => Ok(VersionChoice::Draft),
        Some(number) => match number.parse() {
            Ok(number @ 1..) => Ok(VersionChoice::Number(number)),
            _ => Err(Problem::new(
                400,
                "A version is \"draft\", \"active\" or a number.",
            )),
        },
    }
}

pub(super) fn preview(call: &Call<'_>) -> Answered {
    let (resource, kind) = call.resource()?;
    let configuration = call.found()?;
    let source = call
        .api
        .admin
        .model(configuration.id, resource, choice(call)?)?;
    let configuration = configuration.to_provisioning();
    let provider = &call.api.provider;
    let preview = provider.preview(&configuration, &source, kind, call.body.clone())?;
    Ok(computed(json!(preview)))
}

pub(super) fn impact(call: &Call<'_>) -> Answered {
    let (resource, _) = call.resource()?;
    let configuration = call.found()?;
    let source = call
        .api
        .admin
        .model(configuration.id, resource, choice(call)?)?;
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
