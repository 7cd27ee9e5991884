//! What sessions are asked and answer.

use scim_protocol::patch::PatchRequest;
use scim_protocol::{Resource, Version};
use serde_json::Value;

use crate::answer::Method;
use crate::route::Route;

/// A multi-valued attribute that is kept apart from the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// [`Session::get`](super::Session::get) and [`Session::load`](super::Session::load) bring it along when it is asked for, such as the
    /// groups of a user.
    Loaded(&'static str),
    /// It may have any number of values, which are written out page by page
    /// ([`Session::values_behind`](super::Session::values_behind)), such as the members of a group.
    Paged(&'static str),
}

impl Apart {
    /// The name of the attribute.
    ///
    /// ```
    /// assert_eq!(scim_service::Apart::Paged("members").attribute(), "members");
    /// ```
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Loaded(name) | Self::Paged(name) => name,
        }
    }
}

/// Some of the values of an attribute that is kept apart.
#[derive(Debug, Clone)]
pub struct Chunk<I> {
    /// The values.
    pub values: Vec<Value>,
    /// The last one that was looked at, when more may follow.
    pub next: Option<I>,
}

/// What came of a create.
#[derive(Debug, Clone)]
pub struct Created<T> {
    /// The resource.
    pub stored: T,
    /// Whether it is known to have no values apart yet.
    pub bare: bool,
}

/// What an update does to the stored document.
#[derive(Debug, Clone)]
pub enum Update {
    /// PUT (RFC 7644 section 3.5.1).
    Replace(Resource),
    /// PATCH (RFC 7644 section 3.5.2).
    Modify(PatchRequest),
}

/// What an update has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The version from now on.
    pub version: Version,
    /// Whether it is answered with 204, without the resource.
    pub brief: bool,
}

/// What a request was about.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a, K> {
    /// The endpoint.
    pub route: Route<'a, K>,
    /// The method.
    pub method: Method,
}

/// One operation of a bulk request.
#[derive(Debug, Clone, Copy)]
pub struct BulkStep<'a> {
    /// The method.
    pub method: Method,
    /// The path, with the ids of what was created before.
    pub path: &'a str,
    /// The body.
    pub data: Option<&'a Value>,
    /// The version that is meant.
    pub version: Option<&'a str>,
    /// Whether references were left out, because what they name is not there yet.
    pub left_out: bool,
}
