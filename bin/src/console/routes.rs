//! Every page of the console, with who may see it.

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

type Handler = fn(&Visit<'_>) -> Result<ConsoleAnswer, Failed>;

/// A page, or what its form does.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// The path, with `*` for a part that varies.
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) handler: Handler,
}

/// What a path and a method lead to.
pub(super) enum Found<'p> {
    Route(&'static Route, Vec<&'p str>),
    OtherMethods,
    Nothing,
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

const fn page(path: &'static str, handler: Handler) -> Route {
    Route {
        method: "GET",
        path,
        access: Access::Auditor,
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
        handler,
    }
}

const fn anyone(route: Route) -> Route {
    Route {
        access: Access::Anyone,
        ..route
    }
}

const NEW: &str = "/users/scim-provisioning/new";
const EDIT: &str = "/users/scim-provisioning/*/edit";
const DELETE: &str = "/users/scim-provisioning/*/delete";
const TOKENS: &str = "/users/scim-provisioning/*/tokens";

/// Every page.
pub(super) const ROUTES: &[Route] = &[
    anyone(page("/login", signing_in::form)),
    anyone(action("/login", signing_in::sign_in)),
    anyone(page("/setup", signing_in::setup_form)),
    anyone(action("/setup", signing_in::set_up)),
    page("/confirm", signing_in::confirm_form),
    Route {
        access: Access::Auditor,
        ..action("/confirm", signing_in::confirm)
    },
    Route {
        access: Access::Auditor,
        ..action("/logout", signing_in::sign_out)
    },
    page("/", pages::home),
    page("/users/scim-provisioning", pages::configurations::list),
    administrators(page(NEW, pages::configurations::new)),
    action(NEW, pages::configurations::add),
    page("/users/scim-provisioning/logs", pages::logs::list),
    page("/users/scim-provisioning/logs/*", pages::logs::show),
    administrators(page(EDIT, pages::configurations::edit)),
    action(EDIT, pages::configurations::save),
    action(
        "/users/scim-provisioning/*/enable",
        pages::configurations::enable,
    ),
    action(
        "/users/scim-provisioning/*/disable",
        pages::configurations::disable,
    ),
    administrators(page(DELETE, pages::configurations::confirm_deletion)),
    action(DELETE, pages::configurations::delete),
    administrators(page(TOKENS, pages::tokens::list)),
    action(TOKENS, pages::tokens::add),
    action(
        "/users/scim-provisioning/*/tokens/*/reveal",
        pages::tokens::reveal,
    ),
    action(
        "/users/scim-provisioning/*/tokens/*/revoke",
        pages::tokens::revoke,
    ),
    page("/users", pages::directory::users),
    page("/groups", pages::directory::groups),
    page("/security/audit", pages::audit::list),
];
