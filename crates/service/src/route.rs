//! Which endpoint a path names (RFC 7644 section 3.2).

use scim_protocol::Error;

use crate::answer::Method;

/// An endpoint of the service provider; `K` tells resource types apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a, K> {
    /// `/Users`, `/Groups`
    Collection(K),
    /// `/Users/{id}`
    Resource(K, &'a str),
    /// `/Users/.search`, and `/.search` for every resource type
    Search(Option<K>),
    /// `/`
    Root,
    /// `/Bulk`
    Bulk,
    /// `/Me`
    Me,
    /// `/ServiceProviderConfig`
    ServiceProviderConfig,
    /// `/Schemas`
    Schemas,
    /// `/Schemas/{uri}`
    Schema(&'a str),
    /// `/ResourceTypes`
    ResourceTypes,
    /// `/ResourceTypes/{name}`
    ResourceType(&'a str),
}

impl<'a, K: Copy> Route<'a, K> {
    /// The endpoint of a path below the base URL; a trailing slash is tolerated. `kind_at` knows
    /// the resource type of an endpoint such as `Users`.
    ///
    /// ```
    /// use scim_service::Route;
    ///
    /// let kind_at = |name: &str| (name == "Users").then_some(1);
    /// assert_eq!(Route::parse("/Users/7", kind_at), Some(Route::Resource(1, "7")));
    /// assert_eq!(Route::parse("/Gadgets", kind_at), None);
    /// ```
    pub fn parse(path: &'a str, kind_at: impl Fn(&str) -> Option<K>) -> Option<Self> {
        let path = path.trim_matches('/');
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        match (first, kind_at(first), rest) {
            ("", _, None) => Some(Self::Root),
            (_, Some(kind), None) => Some(Self::Collection(kind)),
            (_, Some(kind), Some(".search")) => Some(Self::Search(Some(kind))),
            (_, Some(kind), Some(id)) if !id.contains('/') => Some(Self::Resource(kind, id)),
            (".search", _, None) => Some(Self::Search(None)),
            ("Bulk", _, None) => Some(Self::Bulk),
            ("Me", _, _) => Some(Self::Me),
            ("ServiceProviderConfig", _, None) => Some(Self::ServiceProviderConfig),
            ("Schemas", _, None) => Some(Self::Schemas),
            ("Schemas", _, Some(uri)) => Some(Self::Schema(uri)),
            ("ResourceTypes", _, None) => Some(Self::ResourceTypes),
            ("ResourceTypes", _, Some(name)) => Some(Self::ResourceType(name)),
            _ => None,
        }
    }

    /// The methods of the endpoint, as an `Allow` header.
    ///
    /// ```
    /// assert_eq!(scim_service::Route::<u8>::Bulk.allow(), "POST");
    /// ```
    pub fn allow(self) -> &'static str {
        match self {
            Self::Collection(_) => "GET, HEAD, POST",
            Self::Resource(..) => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Search(_) | Self::Bulk => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether the endpoint has the method.
    ///
    /// ```
    /// use scim_service::{Method, Route};
    ///
    /// assert!(Route::Collection("Users").allows(Method::Post));
    /// assert!(!Route::Resource("Users", "7").allows(Method::Post));
    /// ```
    pub fn allows(self, method: Method) -> bool {
        match self {
            Self::Collection(_) => matches!(method, Method::Get | Method::Post),
            Self::Resource(..) => !matches!(method, Method::Post | Method::Other),
            Self::Search(_) | Self::Bulk => method == Method::Post,
            Self::Me => true,
            _ => method == Method::Get,
        }
    }

    /// The resource type of the endpoint, where it has one.
    ///
    /// ```
    /// use scim_service::Route;
    ///
    /// assert_eq!(Route::Resource("Users", "7").kind(), Some("Users"));
    /// assert_eq!(Route::<&str>::Schemas.kind(), None);
    /// ```
    pub fn kind(self) -> Option<K> {
        match self {
            Self::Collection(kind) | Self::Resource(kind, _) => Some(kind),
            Self::Search(kind) => kind,
            _ => None,
        }
    }

    /// 405 for a method that the endpoint does not have.
    pub(crate) fn method_not_allowed(self) -> Error {
        Error::with_status(
            405,
            format!("The endpoint has the methods {}.", self.allow()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_endpoints() {
        let kind_at = |name: &str| ["Users", "Groups"].iter().position(|known| *known == name);
        for (path, route) in [
            ("/Users", Some(Route::Collection(0))),
            ("/Users/", Some(Route::Collection(0))),
            ("/Groups/1", Some(Route::Resource(1, "1"))),
            ("/Groups/1/", Some(Route::Resource(1, "1"))),
            ("/Users/.search", Some(Route::Search(Some(0)))),
            ("/.search", Some(Route::Search(None))),
            ("/", Some(Route::Root)),
            ("/Schemas/urn:a:b", Some(Route::Schema("urn:a:b"))),
            ("/ResourceTypes/User", Some(Route::ResourceType("User"))),
            ("/users", None),
            ("/Users/1/2", None),
            ("/Gadgets", None),
        ] {
            assert_eq!(Route::parse(path, kind_at), route, "{path}");
        }
    }
}
