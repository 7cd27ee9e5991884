//! Which endpoint a path names.

use crate::id::ResourceKind;

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
