//! Every route of the admin API, with who may take it.

use super::answer::{ApiAnswer, Problem};
use super::{Call, handlers as on, openapi, records as of, waiting as waits};
use scim_admin::scope::{Scope, Scopes};
use serde_json::Value;

use crate::pattern::parts;

/// Who may take a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Administrators and auditors.
    Auditor,
    /// Administrators.
    Administrator,
}

type Handler = fn(&Call<'_>) -> Result<ApiAnswer, Problem>;
type Current = fn(&Call<'_>) -> Result<Value, Problem>;

/// What a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// 200 with a document of this schema, which has an `ETag`.
    One(&'static str),
    /// 200 with a document of this schema that was computed or is a secret.
    Computed(&'static str),
    /// 200 with a page of such documents.
    Page(&'static str),
    /// 201 with a document of this schema.
    Created(&'static str),
    /// 204
    Nothing,
}

/// A route.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// The path, with `*` for a part that varies.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// What the key must be for; all of them.
    pub(super) needs: &'static [Scope],
    /// What a write must have read before, as `GET` answers it.
    pub(super) current: Option<Current>,
    pub(super) handler: Handler,
    /// What it does, in a few words.
    pub(super) summary: &'static str,
    /// The schema of the body, where there is one.
    pub(super) takes: Option<&'static str>,
    pub(super) gives: Gives,
    /// The parameters of the query.
    pub(super) query: &'static [&'static str],
}

impl Route {
    const fn gives(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    const fn takes(self, schema: &'static str) -> Self {
        Self {
            takes: Some(schema),
            ..self
        }
    }

    const fn asks(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    const fn needs(self, needs: &'static [Scope]) -> Self {
        Self { needs, ..self }
    }

    /// The first scope that the route needs and a key does not have.
    pub(super) fn missing(&self, scopes: Scopes) -> Option<Scope> {
        let mut needs = self.needs.iter().copied();
        needs.find(|scope| !scopes.contains(*scope))
    }
}

/// What a path and a method lead to.
pub(super) enum Found<'p> {
    Route(&'static Route, Vec<&'p str>),
    /// The path is there, for these methods.
    OtherMethods(String),
    Nothing,
}

pub(super) fn find<'p>(method: &str, path: &'p str) -> Found<'p> {
    let matching = || {
        ROUTES
            .iter()
            .filter_map(|route| Some((route, parts(route.path, path)?)))
    };
    // HEAD is GET without the body.
    let method = if method == "HEAD" { "GET" } else { method };
    if let Some((route, parts)) = matching().find(|(route, _)| route.method == method) {
        return Found::Route(route, parts);
    }
    let allowed: Vec<&str> = matching().map(|(route, _)| route.method).collect();
    match allowed.is_empty() {
        true => Found::Nothing,
        false => Found::OtherMethods(allowed.join(", ")),
    }
}

const fn read(path: &'static str, handler: Handler, summary: &'static str) -> Route {
    Route {
        method: "GET",
        path,
        access: Access::Auditor,
        needs: &[Scope::Read],
        current: None,
        handler,
        summary,
        takes: None,
        gives: Gives::Nothing,
        query: &[],
    }
}

/// What is read or done with tokens and keys.
const fn secret(route: Route) -> Route {
    Route {
        access: Access::Administrator,
        needs: &[Scope::Tokens],
        ..route
    }
}

/// What is done with people, with what waits, and with whether a configuration runs.
const fn operation(route: Route) -> Route {
    Route {
        needs: &[Scope::Operate],
        ..route
    }
}

/// A creation, or work that changes nothing. It configures, unless it says otherwise.
const fn post(path: &'static str, handler: Handler, summary: &'static str) -> Route {
    Route {
        method: "POST",
        access: Access::Administrator,
        needs: &[Scope::Configure],
        ..read(path, handler, summary)
    }
}

const fn write(
    method: &'static str,
    path: &'static str,
    current: Current,
    handler: Handler,
    summary: &'static str,
) -> Route {
    Route {
        method,
        current: Some(current),
        ..post(path, handler, summary)
    }
}

const CONFIGURATION: &str = "/configurations/*";
const TOKENS: &str = "/configurations/*/tokens";
const MAPPING: &str = "/configurations/*/mappings/*";
const POLICY: &str = "/configurations/*/policy";

/// Every route.
pub(super) const ROUTES: &[Route] = &[
    read(
        "/configurations",
        on::list_configurations,
        "List configurations",
    )
    .gives(Gives::Page("Configuration"))
    .asks(&["q"]),
    post(
        "/configurations",
        on::add_configuration,
        "Add a configuration with its first token",
    )
    .takes("ConfigurationInput")
    .gives(Gives::Created("Configuration"))
    .needs(&[Scope::Configure, Scope::Tokens]),
    read(
        CONFIGURATION,
        on::show_configuration,
        "Read a configuration",
    )
    .gives(Gives::One("Configuration")),
    write(
        "PATCH",
        CONFIGURATION,
        on::configuration,
        on::edit_configuration,
        "Change a configuration",
    )
    .takes("ConfigurationInput")
    .gives(Gives::One("Configuration")),
    write(
        "DELETE",
        CONFIGURATION,
        on::configuration,
        on::delete_configuration,
        "Delete a configuration and its tokens",
    ),
    operation(write(
        "POST",
        "/configurations/*/enable",
        on::configuration,
        on::enable,
        "Enable a configuration",
    ))
    .gives(Gives::One("Configuration")),
    operation(write(
        "POST",
        "/configurations/*/pause",
        on::configuration,
        on::pause,
        "Pause a configuration: its identity provider is told to come back later",
    ))
    .gives(Gives::One("Configuration")),
    operation(write(
        "POST",
        "/configurations/*/disable",
        on::configuration,
        on::disable,
        "Disable a configuration",
    ))
    .gives(Gives::One("Configuration")),
    read(POLICY, on::show_policy, "Read the policy").gives(Gives::One("Policies")),
    write(
        "PATCH",
        POLICY,
        on::policy,
        on::edit_policy,
        "Change the policy; what is not named stays",
    )
    .takes("Policies")
    .gives(Gives::One("Policies")),
    secret(read(TOKENS, on::list_tokens, "List tokens")).gives(Gives::Page("Token")),
    secret(post(TOKENS, on::add_token, "Add a token"))
        .takes("TokenInput")
        .gives(Gives::Created("IssuedTokenDocument")),
    secret(post(
        "/configurations/*/tokens/*/reveal",
        on::reveal_token,
        "Show a live token again",
    ))
    .gives(Gives::Computed("IssuedTokenDocument")),
    secret(read(
        "/configurations/*/tokens/*",
        on::show_token,
        "Read a token, without its value",
    ))
    .gives(Gives::One("Token")),
    secret(write(
        "PATCH",
        "/configurations/*/tokens/*",
        on::token,
        on::edit_token,
        "Set when a live token ends",
    ))
    .takes("TokenEnd")
    .gives(Gives::One("Token")),
    secret(write(
        "DELETE",
        "/configurations/*/tokens/*",
        on::token,
        on::revoke_token,
        "Revoke a token",
    )),
    read(
        MAPPING,
        on::show_mapping,
        "Read the active version and the draft of a mapping",
    )
    .gives(Gives::One("Mapping")),
    write(
        "PUT",
        MAPPING,
        on::mapping,
        on::draft_mapping,
        "Put a draft",
    )
    .takes("DraftInput")
    .gives(Gives::One("Mapping")),
    write(
        "POST",
        "/configurations/*/mappings/*/activate",
        on::mapping,
        on::activate_mapping,
        "Activate the draft, or an older version again",
    )
    .takes("VersionInput")
    .gives(Gives::One("Mapping")),
    read(
        "/configurations/*/mappings/*/versions",
        on::list_versions,
        "List the versions of a mapping",
    )
    .gives(Gives::Page("Version")),
    post(
        "/configurations/*/mappings/*/preview",
        on::preview,
        "Show what the rules make of a SCIM resource",
    )
    .takes("ScimResource")
    .gives(Gives::Computed("Preview"))
    .asks(&["version"]),
    post(
        "/configurations/*/mappings/*/impact",
        on::impact,
        "Count what the rules would change of the users who are there",
    )
    .gives(Gives::Computed("Impact"))
    .asks(&["version"]),
    read(
        "/configurations/*/held",
        waits::list_held,
        "List what the guard holds",
    )
    .gives(Gives::Page("Held"))
    .asks(&["cursor", "limit"]),
    operation(write(
        "POST",
        "/configurations/*/held/allow",
        waits::held,
        waits::allow_held,
        "Carry out what the guard holds",
    ))
    .takes("HeldInput")
    .gives(Gives::Page("Held")),
    operation(write(
        "POST",
        "/configurations/*/held/reject",
        waits::held,
        waits::reject_held,
        "Drop what the guard holds",
    ))
    .takes("HeldInput")
    .gives(Gives::Page("Held")),
    read(
        "/configurations/*/links",
        waits::list_links,
        "List the links that wait",
    )
    .gives(Gives::Page("Link")),
    operation(write(
        "POST",
        "/configurations/*/links/approve",
        waits::links,
        waits::approve_link,
        "Put a person under the management of the configuration, as its identity provider sent them",
    ))
    .takes("LinkInput")
    .gives(Gives::Page("Link")),
    operation(write(
        "POST",
        "/configurations/*/links/dismiss",
        waits::links,
        waits::dismiss_link,
        "Dismiss a link until the identity provider sends other values",
    ))
    .takes("LinkInput")
    .gives(Gives::Page("Link")),
    read(
        "/configurations/*/links/dismissed",
        waits::list_dismissed,
        "List the links that were dismissed",
    )
    .gives(Gives::Page("Link")),
    operation(write(
        "POST",
        "/configurations/*/links/restore",
        waits::dismissed,
        waits::restore_link,
        "Put a dismissed link back among those that wait",
    ))
    .takes("DismissedLinkInput")
    .gives(Gives::Page("Link")),
    read(
        "/events",
        of::list_events,
        "List the provisioning log, the oldest first",
    )
    .gives(Gives::Page("Event"))
    .asks(&[
        "configuration",
        "outcome",
        "action",
        "resourceType",
        "state",
        "q",
        "since",
        "until",
        openapi::NUMBER_CURSOR,
        "limit",
    ]),
    read(
        "/events/*",
        of::show_event,
        "Read an entry of the provisioning log",
    )
    .gives(Gives::One("Event")),
    operation(write(
        "POST",
        "/events/*/resolve",
        of::event,
        of::resolve_event,
        "Mark a failure or a warning as resolved",
    ))
    .gives(Gives::One("Event")),
    operation(write(
        "POST",
        "/events/*/reopen",
        of::event,
        of::reopen_event,
        "Take back that a failure or a warning is resolved",
    ))
    .gives(Gives::One("Event")),
    read("/users", of::list_users, "List users")
        .gives(Gives::Page("User"))
        .asks(&["q", "status", "userType", "configuration", "cursor", "limit"]),
    read("/users/*", of::show_user, "Read a user").gives(Gives::One("User")),
    operation(write(
        "PATCH",
        "/users/*",
        of::user,
        of::edit_user,
        "Block, unblock, archive, convert or unlink a user",
    ))
    .takes("UserInput")
    .gives(Gives::One("User")),
    read("/groups", of::list_groups, "List groups")
        .gives(Gives::Page("Group"))
        .asks(&["q", "configuration", "cursor", "limit"]),
    read("/groups/*", of::show_group, "Read a group").gives(Gives::One("Group")),
    operation(write(
        "PATCH",
        "/groups/*",
        of::group,
        of::edit_group,
        "Unlink a group",
    ))
    .takes("GroupInput")
    .gives(Gives::One("Group")),
    read(
        "/groups/*/members",
        of::list_members,
        "List the members of a group",
    )
    .gives(Gives::Page("Member"))
    .asks(&["cursor", "limit"]),
    read("/custom-fields", of::list_fields, "List the custom fields")
        .gives(Gives::Page("CustomField")),
    post("/custom-fields", of::add_field, "Add a custom field")
        .takes("CustomField")
        .gives(Gives::Created("CustomField")),
    read("/custom-fields/*", of::show_field, "Read a custom field")
        .gives(Gives::One("CustomField")),
    write(
        "PUT",
        "/custom-fields/*",
        of::field,
        of::edit_field,
        "Change the label, the options or the limits of a custom field",
    )
    .takes("CustomField")
    .gives(Gives::One("CustomField")),
    write(
        "DELETE",
        "/custom-fields/*",
        of::field,
        of::delete_field,
        "Delete a custom field that no rule writes",
    ),
    read("/accounts", of::list_accounts, "List the console accounts").gives(Gives::Page("Account")),
    read("/accounts/*", of::show_account, "Read a console account").gives(Gives::One("Account")),
    secret(read("/api-keys", of::list_keys, "List the API keys")).gives(Gives::Page("ApiKey")),
    secret(post("/api-keys", of::add_key, "Add an API key"))
        .takes("NewKey")
        .gives(Gives::Created("IssuedKey")),
    secret(read("/api-keys/*", of::show_key, "Read an API key")).gives(Gives::One("ApiKey")),
    secret(read(
        "/api-keys/*/made",
        of::list_made,
        "List the live tokens that end with an API key",
    ))
    .gives(Gives::Page("Made")),
    secret(write(
        "DELETE",
        "/api-keys/*",
        of::key,
        of::revoke_key,
        "Revoke an API key, and every key and token that it made",
    )),
    read(
        "/audit",
        of::list_audit,
        "List what administrators did, the newest first",
    )
    .gives(Gives::Page("Audit"))
    .asks(&[
        "actor",
        "event",
        "source",
        "configuration",
        "since",
        "until",
        openapi::NUMBER_CURSOR,
        "limit",
    ]),
    read("/openapi.json", openapi::show, "Read this document").gives(Gives::One("OpenApi")),
];
