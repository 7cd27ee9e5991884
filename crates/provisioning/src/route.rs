//! Which endpoint a path names.

use scim_service::Method;

use crate::event::Action;
use crate::id::{ResourceId, ResourceKind};

/// An endpoint for users, groups or both.
pub(crate) type Route<'a> = scim_service::Route<'a, ResourceKind>;

/// The endpoint of a path below the base URL.
pub(crate) fn parse(path: &str) -> Option<Route<'_>> {
    Route::parse(path, kind_at)
}

/// The resource type at an endpoint.
pub(crate) fn kind_at(endpoint: &str) -> Option<ResourceKind> {
    match endpoint {
        "Users" => Some(ResourceKind::User),
        "Groups" => Some(ResourceKind::Group),
        _ => None,
    }
}

/// The id of the resource that a request is about.
pub(crate) fn resource_of(route: Route<'_>) -> Option<ResourceId> {
    match route {
        Route::Resource(_, id) => ResourceId::parse(id),
        _ => None,
    }
}

/// Whether a request changes nothing.
pub(crate) fn is_read(method: Method, path: &str) -> bool {
    method == Method::Get || path.ends_with("/.search")
}

/// What a request of this method attempts; `read` where it changes nothing whatever its method.
pub(crate) fn attempted(method: Method, read: bool) -> Action {
    match method {
        _ if read => Action::Read,
        Method::Post => Action::Create,
        Method::Delete => Action::Archive,
        _ => Action::Update,
    }
}
