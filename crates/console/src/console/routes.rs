//! Every page of the console, with who may see it.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::dev::ResourceDef;

use super::{ConsoleAnswer, Failed, Visit, pages, signing_in};

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
    /// The path, with names in braces for the parts that vary.
    pub(super) path: &'static str,
    pub(super) access: Access,
    /// Whether the password is asked for again, unless it was entered just now.
    pub(super) confirmed: bool,
    pub(super) handler: Handler,
}

/// The page that a form stands on, or the nearest one above it.
pub(super) fn page_above(path: &str) -> &str {
    // A page whose part that varies is a word of the form's path is another one.
    let mut form = find("POST", path).map(|(form, _)| form.path);
    let mut path = path;
    loop {
        match find("GET", path) {
            Some((page, _)) if form.is_none_or(|form| form == page.path) => return path,
            _ if path.is_empty() => return path,
            _ => form = None,
        }
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// The parts of a path that vary, by their names.
pub(super) type Parts = HashMap<String, String>;

/// The page, or what a form does, at a path that stands on another page.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Route, Parts)> {
    let path = match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    };
    // A word of a path goes before a part that varies, because it stands before it below.
    let mut possible = PATTERNS.iter().filter(|(route, _)| route.method == method);
    possible.find_map(|(route, pattern)| {
        let mut found = actix_web::dev::Path::new(path.clone());
        let fits = pattern.capture_match_info(&mut found);
        let parts = found
            .iter()
            .map(|(name, part)| (name.to_owned(), part.to_owned()));
        fits.then(|| (*route, parts.collect()))
    })
}

/// The methods that are possible at a path, as the `Allow` header names them (RFC 9110 section
/// 10.2.1); none where nothing is there.
pub(super) fn methods(path: &str) -> Option<&'static str> {
    let possible = |method: &str| find(method, path).is_some();
    match (possible("GET"), possible("POST")) {
        (true, true) => Some("GET, HEAD, POST"),
        (false, true) => Some("POST"),
        (true, false) => Some("GET, HEAD"),
        (false, false) => None,
    }
}

impl Route {
    /// The path as actix-web takes it: that of the first page is that of the console.
    pub(super) fn pattern(&self) -> &'static str {
        match self.path {
            "/" => "",
            path => path,
        }
    }
}

static PATTERNS: LazyLock<Vec<(&Route, ResourceDef)>> = LazyLock::new(|| {
    let routes = ROUTES.iter();
    routes
        .map(|route| (route, ResourceDef::new(route.pattern())))
        .collect()
});

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
        concat!(
            "/users/scim-provisioning/{configuration}/mappings/{resource}",
            $below
        )
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
    page("/alerts", pages::alerts::list),
    page("/why", pages::why::show),
    page(scim!(""), pages::configurations::list),
    administrators(page(scim!("/new"), pages::configurations::new)),
    confirmed(action(scim!("/new"), pages::configurations::add)),
    page(scim!("/logs"), pages::logs::list),
    confirmed(action(scim!("/logs/export"), pages::logs::export)),
    page(scim!("/logs/{event}"), pages::event::show),
    action(scim!("/logs/{event}/resolve"), pages::event::resolve),
    action(scim!("/logs/{event}/reopen"), pages::event::reopen),
    confirmed(action(scim!("/logs/{event}/replay"), pages::event::replay)),
    page(scim!("/{configuration}"), pages::configuration::overview),
    page(scim!("/{configuration}/drift"), pages::configuration::drift),
    auditors(action(
        scim!("/{configuration}/drift"),
        pages::configuration::count_drift,
    )),
    administrators(page(
        scim!("/{configuration}/edit"),
        pages::configurations::edit,
    )),
    confirmed(action(
        scim!("/{configuration}/edit"),
        pages::configurations::save,
    )),
    confirmed(action(
        scim!("/{configuration}/enable"),
        pages::configurations::enable,
    )),
    action(
        scim!("/{configuration}/pause"),
        pages::configurations::pause,
    ),
    action(
        scim!("/{configuration}/disable"),
        pages::configurations::disable,
    ),
    administrators(page(
        scim!("/{configuration}/delete"),
        pages::configurations::confirm_deletion,
    )),
    confirmed(action(
        scim!("/{configuration}/delete"),
        pages::configurations::delete,
    )),
    administrators(page(scim!("/{configuration}/tokens"), pages::tokens::list)),
    confirmed(action(scim!("/{configuration}/tokens"), pages::tokens::add)),
    administrators(page(
        scim!("/{configuration}/tokens/{token}"),
        pages::tokens::show,
    )),
    confirmed(action(
        scim!("/{configuration}/tokens/{token}/reveal"),
        pages::tokens::reveal,
    )),
    confirmed(action(
        scim!("/{configuration}/tokens/{token}/end"),
        pages::tokens::set_end,
    )),
    confirmed(action(
        scim!("/{configuration}/tokens/{token}/revoke"),
        pages::tokens::revoke,
    )),
    page(mapping!(""), pages::mappings::show),
    administrators(page(mapping!("/new-rule"), pages::rule_page::new_rule)),
    administrators(page(mapping!("/rules/{rule}"), pages::rule_page::edit_rule)),
    action(mapping!("/save-rule"), pages::rule_page::save_rule),
    auditors(action(mapping!("/try-rule"), pages::tried::try_rule)),
    action(mapping!("/reorder"), pages::mappings::reorder),
    action(mapping!("/delete-rule"), pages::mappings::delete_rule),
    action(mapping!("/discard"), pages::mappings::discard),
    action(mapping!("/restore-defaults"), pages::mappings::restore),
    action(mapping!("/import"), pages::mappings::import),
    page(mapping!("/export"), pages::mappings::export),
    confirmed(action(mapping!("/activate"), pages::mappings::activate)),
    confirmed(action(mapping!("/rollback"), pages::mappings::roll_back)),
    page(mapping!("/tests"), pages::mapping_tests::list),
    action(mapping!("/keep-test"), pages::mapping_tests::keep),
    action(mapping!("/delete-test"), pages::mapping_tests::delete),
    page(mapping!("/preview"), pages::previews::preview_form),
    auditors(action(mapping!("/preview"), pages::previews::preview)),
    page(
        scim!("/{configuration}/mappings/user/impact"),
        pages::previews::impact,
    ),
    auditors(action(
        scim!("/{configuration}/mappings/user/impact"),
        pages::previews::count_impact,
    )),
    confirmed(action(
        scim!("/{configuration}/mappings/user/reapply"),
        pages::previews::reapply,
    )),
    page(scim!("/{configuration}/groups"), pages::group_rules::list),
    administrators(page(
        scim!("/{configuration}/groups/new-rule"),
        pages::group_rules::new,
    )),
    administrators(page(
        scim!("/{configuration}/groups/rules/{rule}"),
        pages::group_rules::edit,
    )),
    action(
        scim!("/{configuration}/groups/save-rule"),
        pages::group_rules::save,
    ),
    action(
        scim!("/{configuration}/groups/reorder"),
        pages::group_rules::reorder,
    ),
    action(
        scim!("/{configuration}/groups/delete-rule"),
        pages::group_rules::delete,
    ),
    page(scim!("/{configuration}/policy"), pages::policy::show),
    confirmed(action(
        scim!("/{configuration}/policy"),
        pages::policy::save,
    )),
    page(scim!("/{configuration}/held"), pages::waiting::list),
    page(scim!("/{configuration}/links"), pages::waiting::list),
    confirmed(action(
        scim!("/{configuration}/held/allow"),
        pages::waiting::allow,
    )),
    action(
        scim!("/{configuration}/held/reject"),
        pages::waiting::reject,
    ),
    confirmed(action(
        scim!("/{configuration}/links/approve"),
        pages::waiting::approve,
    )),
    action(
        scim!("/{configuration}/links/dismiss"),
        pages::waiting::dismiss,
    ),
    action(
        scim!("/{configuration}/links/restore"),
        pages::waiting::restore,
    ),
    page(scim!("/{configuration}/logs"), pages::logs::list_of),
    page(scim!("/{configuration}/runs"), pages::runs::list),
    page(scim!("/{configuration}/runs/{run}"), pages::runs::show),
    confirmed(action(
        scim!("/{configuration}/runs/{run}/undo"),
        pages::runs::undo,
    )),
    page(scim!("/{configuration}/rehearsal"), pages::rehearsal::show),
    action(
        scim!("/{configuration}/rehearsal/begin"),
        pages::rehearsal::begin,
    ),
    confirmed(action(
        scim!("/{configuration}/rehearsal/go-live"),
        pages::rehearsal::go_live,
    )),
    confirmed(action(
        scim!("/{configuration}/rehearsal/discard"),
        pages::rehearsal::discard,
    )),
    page(scim!("/{configuration}/history"), pages::audit::history),
    page(scim!("/{configuration}/setup"), pages::guides::own),
    page(scim!("/{configuration}/setup/{guide}"), pages::guides::show),
    page("/users", pages::directory::users),
    page("/users/user-form", pages::fields::list),
    action("/users/user-form", pages::fields::add),
    administrators(page("/users/user-form/new", pages::fields::new)),
    action("/users/user-form/delete", pages::fields::delete),
    administrators(page("/users/user-form/edit", pages::fields::edit)),
    action("/users/user-form/edit", pages::fields::save),
    page("/users/tables", pages::tables::list),
    administrators(page("/users/tables/new", pages::tables::new)),
    confirmed(action("/users/tables/new", pages::tables::add)),
    page("/users/tables/{table}", pages::tables::show),
    page("/users/tables/{table}/file", pages::tables::file),
    administrators(page("/users/tables/{table}/edit", pages::tables::edit)),
    confirmed(action("/users/tables/{table}/edit", pages::tables::save)),
    action("/users/tables/{table}/delete", pages::tables::delete),
    page("/users/{person}", pages::directory::user),
    confirmed(action("/users/{person}/block", pages::directory::block)),
    confirmed(action("/users/{person}/unblock", pages::directory::unblock)),
    confirmed(action("/users/{person}/archive", pages::directory::archive)),
    confirmed(action("/users/{person}/convert", pages::directory::convert)),
    action("/users/{person}/unlink", pages::directory::unlink),
    page("/groups", pages::directory::groups),
    page("/groups/{group}", pages::directory::group),
    action("/groups/{group}/unlink", pages::directory::unlink_group),
    page("/security/audit", pages::audit::list),
    confirmed(auditors(action(
        "/security/audit/export",
        pages::audit::export,
    ))),
    page("/api-docs", pages::api_docs::show),
    page("/api-docs/openapi.json", pages::api_docs::document),
    page("/api-docs/schemas/{schema}", pages::api_docs::schema),
    page("/settings", pages::settings::show),
    page("/settings/keys", pages::keys::list),
    page("/settings/streams", pages::streams::list),
    confirmed(action("/settings/streams", pages::streams::add)),
    page("/settings/streams/{stream}", pages::stream::show),
    action("/settings/streams/{stream}/pause", pages::stream::pause),
    action("/settings/streams/{stream}/resume", pages::stream::resume),
    confirmed(action(
        "/settings/streams/{stream}/replay",
        pages::stream::replay,
    )),
    confirmed(action(
        "/settings/streams/{stream}/secret",
        pages::stream::renew,
    )),
    action("/settings/streams/{stream}/test", pages::stream::test),
    action(
        "/settings/streams/{stream}/deliveries/{delivery}/again",
        pages::stream::again,
    ),
    confirmed(action(
        "/settings/streams/{stream}/delete",
        pages::stream::delete,
    )),
    confirmed(action("/settings/accounts", pages::settings::add_account)),
    confirmed(action(
        "/settings/accounts/{account}/role",
        pages::settings::set_role,
    )),
    confirmed(action(
        "/settings/accounts/{account}/password",
        pages::settings::set_password,
    )),
    confirmed(action(
        "/settings/accounts/{account}/bind",
        pages::settings::bind,
    )),
    confirmed(action(
        "/settings/accounts/{account}/unlock",
        pages::settings::unlock,
    )),
    confirmed(action(
        "/settings/accounts/{account}/unbind",
        pages::settings::unbind,
    )),
    confirmed(action(
        "/settings/accounts/{account}/delete",
        pages::settings::delete_account,
    )),
    action(
        "/settings/sessions/{session}/end",
        pages::settings::end_session,
    ),
    confirmed(action("/settings/api-keys", pages::settings::add_key)),
    confirmed(action(
        "/settings/api-keys/{key}/revoke",
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
