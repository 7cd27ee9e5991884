//! Every route of the admin API, with who may take it.

use super::answer::{ApiAnswer, Problem};
use super::{Call, handlers as on};
use serde_json::Value;

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

/// A route.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// The path, with `*` for a part that varies.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// What a write must have read before, as `GET` answers it.
    pub(super) current: Option<Current>,
    pub(super) handler: Handler,
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

/// The parts of a path that vary, if it fits the pattern.
fn parts<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut found = Vec::new();
    let mut given = path.trim_matches('/').split('/');
    for wanted in pattern.trim_matches('/').split('/') {
        let part = given.next()?;
        match wanted {
            "*" if !part.is_empty() => found.push(part),
            _ if wanted == part => {}
            _ => return None,
        }
    }
    given.next().is_none().then_some(found)
}

const fn read(path: &'static str, handler: Handler) -> Route {
    Route {
        method: "GET",
        path,
        access: Access::Auditor,
        current: None,
        handler,
    }
}

const fn secret(route: Route) -> Route {
    Route {
        access: Access::Administrator,
        ..route
    }
}

/// A creation, or work that changes nothing.
const fn post(path: &'static str, handler: Handler) -> Route {
    Route {
        method: "POST",
        access: Access::Administrator,
        ..read(path, handler)
    }
}

const fn write(
    method: &'static str,
    path: &'static str,
    current: Current,
    handler: Handler,
) -> Route {
    Route {
        method,
        current: Some(current),
        ..post(path, handler)
    }
}

const CONFIGURATION: &str = "/configurations/*";
const TOKENS: &str = "/configurations/*/tokens";
const MAPPING: &str = "/configurations/*/mappings/*";
const POLICY: &str = "/configurations/*/policy";

/// Every route.
pub(super) const ROUTES: &[Route] = &[
    read("/configurations", on::list_configurations),
    post("/configurations", on::add_configuration),
    read(CONFIGURATION, on::show_configuration),
    write(
        "PATCH",
        CONFIGURATION,
        on::configuration,
        on::edit_configuration,
    ),
    write(
        "DELETE",
        CONFIGURATION,
        on::configuration,
        on::delete_configuration,
    ),
    write(
        "POST",
        "/configurations/*/enable",
        on::configuration,
        on::enable,
    ),
    write(
        "POST",
        "/configurations/*/disable",
        on::configuration,
        on::disable,
    ),
    read(POLICY, on::show_policy),
    write("PATCH", POLICY, on::policy, on::edit_policy),
    secret(read(TOKENS, on::list_tokens)),
    post(TOKENS, on::add_token),
    post("/configurations/*/tokens/*/reveal", on::reveal_token),
    write(
        "DELETE",
        "/configurations/*/tokens/*",
        on::token,
        on::revoke_token,
    ),
    read(MAPPING, on::show_mapping),
    write("PUT", MAPPING, on::mapping, on::draft_mapping),
    write(
        "POST",
        "/configurations/*/mappings/*/activate",
        on::mapping,
        on::activate_mapping,
    ),
    read("/configurations/*/mappings/*/versions", on::list_versions),
    post("/configurations/*/mappings/*/preview", on::preview),
    post("/configurations/*/mappings/*/impact", on::impact),
    read("/configurations/*/held", on::list_held),
    post("/configurations/*/held/allow", on::allow_held),
    post("/configurations/*/held/reject", on::reject_held),
    read("/configurations/*/links", on::list_links),
    read("/events", on::list_events),
    read("/events/*", on::show_event),
    read("/users", on::list_users),
    read("/groups", on::list_groups),
    read("/custom-fields", on::list_fields),
    post("/custom-fields", on::add_field),
    read("/custom-fields/*", on::show_field),
    write("DELETE", "/custom-fields/*", on::field, on::delete_field),
    read("/accounts", on::list_accounts),
    secret(read("/api-keys", on::list_keys)),
    post("/api-keys", on::add_key),
    secret(read("/api-keys/*", on::show_key)),
    write("DELETE", "/api-keys/*", on::key, on::revoke_key),
    read("/audit", on::list_audit),
];
