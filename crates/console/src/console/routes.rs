//! Every page of the console, with who may see it.

use super::{ConsoleAnswer, Failed, Visit, pages, signing_in};
use crate::pattern::parts;

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever asks.
    Anyone,
    /// Administrators and auditors.
    Auditor,
    /// Administrators.
    Administrator,
}

pub(super) type Handler = fn(&Visit<'_>) -> Result<ConsoleAnswer, Failed>;

/// A page, or what its form does.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// The path, with `*` for a part that varies.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// Whether the password is asked for again, unless it was entered just now.
    pub(super) confirmed: bool,
    pub(super) handler: Handler,
}

/// What a path and a method lead to.
pub(super) enum Found<'p> {
    Route(&'static Route, Vec<&'p str>),
    OtherMethods,
    Nothing,
}

/// The page that a form stands on, or the nearest one above it.
pub(super) fn page_above(path: &str) -> &str {
    // A page whose part that varies is a word of the form's path is another one.
    let mut form = match find("POST", path) {
        Found::Route(route, _) => Some(route.path),
        _ => None,
    };
    let mut path = path;
    loop {
        match find("GET", path) {
            Found::Route(page, _) if form.is_none_or(|form| form == page.path) => return path,
            _ if path.is_empty() => return path,
            _ => form = None,
        }
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

pub(super) fn find<'p>(method: &str, path: &'p str) -> Found<'p> {
    // HEAD is GET without the body.
    let method = if method == "HEAD" { "GET" } else { method };
    let mut other = false;
    for route in ROUTES {
        // A word of a path goes before a part that varies, because it stands before it below.
        if let Some(parts) = parts(route.path, path) {
            if route.method == method {
                return Found::Route(route, parts);
            }
            other = true;
        }
    }
    match other {
        true => Found::OtherMethods,
        false => Found::Nothing,
    }
}

/// The methods that are possible at a path, as the `Allow` header names them (RFC 9110 section
/// 10.2.1).
pub(super) fn methods(path: &str) -> String {
    let possible = |method: &str| matches!(find(method, path), Found::Route(..));
    match (possible("GET"), possible("POST")) {
        (true, true) => "GET, HEAD, POST",
        (false, true) => "POST",
        _ => "GET, HEAD",
    }
    .to_owned()
}

const fn page(path: &'static str, handler: Handler) -> Route {
    Route {
        method: "GET",
        path,
        access: Access::Auditor,
        confirmed: false,
        handler,
    }
}

const fn administrators(route: Route) -> Route {
    Route {
        access: Access::Administrator,
        ..route
    }
}

const fn action(path: &'static str, handler: Handler) -> Route {
    Route {
        method: "POST",
        path,
        access: Access::Administrator,
        confirmed: false,
        handler,
    }
}

/// What shows a secret, gives rights, harms people or cannot be undone.
const fn confirmed(route: Route) -> Route {
    Route {
        confirmed: true,
        ..route
    }
}

const fn anyone(route: Route) -> Route {
    Route {
        access: Access::Anyone,
        ..route
    }
}

const fn auditors(route: Route) -> Route {
    Route {
        access: Access::Auditor,
        ..route
    }
}

/// A path below that of the configurations.
macro_rules! scim {
    ($below:literal) => {
        concat!("/users/scim-provisioning", $below)
    };
}

/// A path below that of a mapping.
macro_rules! mapping {
    ($below:literal) => {
        concat!("/users/scim-provisioning/*/mappings/*", $below)
    };
}

/// Every page. A word of a path stands before a part that varies.
pub(super) const ROUTES: &[Route] = &[
    anyone(page("/login", signing_in::form)),
    anyone(action("/login", signing_in::sign_in)),
    anyone(page("/setup", signing_in::setup_form)),
    anyone(action("/setup", signing_in::set_up)),
    anyone(page("/device", signing_in::device_form)),
    anyone(action("/device", signing_in::admit_device)),
    anyone(page("/openid", signing_in::begin_openid)),
    anyone(page("/openid/callback", signing_in::end_openid)),
    auditors(action("/logout", signing_in::sign_out)),
    auditors(action("/theme", signing_in::set_theme)),
    page("/", pages::overview::show),
    page("/help", pages::help),
    page(scim!(""), pages::configurations::list),
    administrators(page(scim!("/new"), pages::configurations::new)),
    confirmed(action(scim!("/new"), pages::configurations::add)),
    page(scim!("/logs"), pages::logs::list),
    confirmed(action(scim!("/logs/export"), pages::logs::export)),
    page(scim!("/logs/*"), pages::event::show),
    action(scim!("/logs/*/resolve"), pages::event::resolve),
    action(scim!("/logs/*/reopen"), pages::event::reopen),
    confirmed(action(scim!("/logs/*/replay"), pages::event::replay)),
    page(scim!("/*"), pages::configuration::overview),
    page(scim!("/*/drift"), pages::configuration::drift),
    auditors(action(scim!("/*/drift"), pages::configuration::count_drift)),
    administrators(page(scim!("/*/edit"), pages::configurations::edit)),
    confirmed(action(scim!("/*/edit"), pages::configurations::save)),
    confirmed(action(scim!("/*/enable"), pages::configurations::enable)),
    action(scim!("/*/pause"), pages::configurations::pause),
    action(scim!("/*/disable"), pages::configurations::disable),
    administrators(page(
        scim!("/*/delete"),
        pages::configurations::confirm_deletion,
    )),
    confirmed(action(scim!("/*/delete"), pages::configurations::delete)),
    administrators(page(scim!("/*/tokens"), pages::tokens::list)),
    confirmed(action(scim!("/*/tokens"), pages::tokens::add)),
    administrators(page(scim!("/*/tokens/*"), pages::tokens::show)),
    confirmed(action(scim!("/*/tokens/*/reveal"), pages::tokens::reveal)),
    confirmed(action(scim!("/*/tokens/*/end"), pages::tokens::set_end)),
    confirmed(action(scim!("/*/tokens/*/revoke"), pages::tokens::revoke)),
    page(mapping!(""), pages::mappings::show),
    administrators(page(mapping!("/new-rule"), pages::mappings::new_rule)),
    administrators(page(mapping!("/rules/*"), pages::mappings::edit_rule)),
    action(mapping!("/save-rule"), pages::mappings::save_rule),
    action(mapping!("/reorder"), pages::mappings::reorder),
    action(mapping!("/delete-rule"), pages::mappings::delete_rule),
    action(mapping!("/discard"), pages::mappings::discard),
    action(mapping!("/restore-defaults"), pages::mappings::restore),
    action(mapping!("/import"), pages::mappings::import),
    page(mapping!("/export"), pages::mappings::export),
    confirmed(action(mapping!("/activate"), pages::mappings::activate)),
    confirmed(action(mapping!("/rollback"), pages::mappings::roll_back)),
    page(mapping!("/preview"), pages::mappings::preview_form),
    auditors(action(mapping!("/preview"), pages::mappings::preview)),
    page(scim!("/*/mappings/user/impact"), pages::mappings::impact),
    auditors(action(
        scim!("/*/mappings/user/impact"),
        pages::mappings::count_impact,
    )),
    confirmed(action(
        scim!("/*/mappings/user/reapply"),
        pages::mappings::reapply,
    )),
    page(scim!("/*/groups"), pages::group_rules::list),
    administrators(page(scim!("/*/groups/new-rule"), pages::group_rules::new)),
    administrators(page(scim!("/*/groups/rules/*"), pages::group_rules::edit)),
    action(scim!("/*/groups/save-rule"), pages::group_rules::save),
    action(scim!("/*/groups/reorder"), pages::group_rules::reorder),
    action(scim!("/*/groups/delete-rule"), pages::group_rules::delete),
    page(scim!("/*/policy"), pages::policy::show),
    confirmed(action(scim!("/*/policy"), pages::policy::save)),
    page(scim!("/*/held"), pages::waiting::list),
    page(scim!("/*/links"), pages::waiting::list),
    confirmed(action(scim!("/*/held/allow"), pages::waiting::allow)),
    action(scim!("/*/held/reject"), pages::waiting::reject),
    confirmed(action(scim!("/*/links/approve"), pages::waiting::approve)),
    action(scim!("/*/links/dismiss"), pages::waiting::dismiss),
    action(scim!("/*/links/restore"), pages::waiting::restore),
    page(scim!("/*/logs"), pages::logs::list_of),
    page(scim!("/*/history"), pages::audit::history),
    page(scim!("/*/setup"), pages::guides::own),
    page(scim!("/*/setup/*"), pages::guides::show),
    page("/users", pages::directory::users),
    page("/users/user-form", pages::fields::list),
    action("/users/user-form", pages::fields::add),
    administrators(page("/users/user-form/new", pages::fields::new)),
    action("/users/user-form/delete", pages::fields::delete),
    administrators(page("/users/user-form/edit", pages::fields::edit)),
    action("/users/user-form/edit", pages::fields::save),
    page("/users/*", pages::directory::user),
    confirmed(action("/users/*/block", pages::directory::block)),
    confirmed(action("/users/*/unblock", pages::directory::unblock)),
    confirmed(action("/users/*/archive", pages::directory::archive)),
    confirmed(action("/users/*/convert", pages::directory::convert)),
    action("/users/*/unlink", pages::directory::unlink),
    page("/groups", pages::directory::groups),
    page("/groups/*", pages::directory::group),
    action("/groups/*/unlink", pages::directory::unlink_group),
    page("/security/audit", pages::audit::list),
    confirmed(auditors(action(
        "/security/audit/export",
        pages::audit::export,
    ))),
    page("/api-docs", pages::api_docs::show),
    page("/api-docs/openapi.json", pages::api_docs::document),
    page("/api-docs/schemas/*", pages::api_docs::schema),
    page("/settings", pages::settings::show),
    confirmed(action("/settings/accounts", pages::settings::add_account)),
    confirmed(action(
        "/settings/accounts/*/role",
        pages::settings::set_role,
    )),
    confirmed(action(
        "/settings/accounts/*/password",
        pages::settings::set_password,
    )),
    confirmed(action("/settings/accounts/*/bind", pages::settings::bind)),
    confirmed(action(
        "/settings/accounts/*/unlock",
        pages::settings::unlock,
    )),
    confirmed(action(
        "/settings/accounts/*/unbind",
        pages::settings::unbind,
    )),
    confirmed(action(
        "/settings/accounts/*/delete",
        pages::settings::delete_account,
    )),
    action("/settings/sessions/*/end", pages::settings::end_session),
    confirmed(action("/settings/api-keys", pages::settings::add_key)),
    confirmed(action(
        "/settings/api-keys/*/revoke",
        pages::settings::revoke_key,
    )),
];

#[cfg(test)]
mod tests {
    use super::page_above;

    #[test]
    fn a_form_stands_on_the_page_above_it_and_on_no_other() {
        for (form, page) in [
            (
                "/users/scim-provisioning/logs/export",
                "/users/scim-provisioning/logs",
            ),
            ("/security/audit/export", "/security/audit"),
            ("/users/1/block", "/users/1"),
            (
                "/users/scim-provisioning/1/held/allow",
                "/users/scim-provisioning/1/held",
            ),
            (
                "/users/scim-provisioning/1/edit",
                "/users/scim-provisioning/1/edit",
            ),
            ("/settings/api-keys", "/settings"),
            ("/login", "/login"),
        ] {
            assert_eq!(page_above(form), page, "{form}");
        }
    }
}
