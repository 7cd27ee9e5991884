//! What a request asks for, as a metric tells it: of a closed set, whatever the path says.

use actix_web::http::Method;

use crate::request::SCIM;

/// The operation of a method and a path, such as `users.patch` or `admin_api.get`.
pub fn operation(method: &Method, path: &str) -> String {
    format!("{}.{}", surface(path), word(method))
}

/// Whether a path asks whether the server is there.
pub(crate) fn is_probe(path: &str) -> bool {
    surface(path) == "probe"
}

fn surface(path: &str) -> &'static str {
    if let Some(below) = below(path, SCIM) {
        let mut parts = below.split('/').filter(|part| !part.is_empty());
        let (first, last) = (parts.next().unwrap_or_default(), path.rsplit('/').next());
        return match first {
            _ if last == Some(".search") => "search",
            "Users" => "users",
            "Groups" => "groups",
            "Bulk" => "bulk",
            "Schemas" | "ResourceTypes" | "ServiceProviderConfig" => "discovery",
            _ => "scim",
        };
    }
    let surfaces = [
        ("/api/admin/v1", "admin_api"),
        ("/api/feed/v1", "feed"),
        ("/admin", "console"),
        ("/healthz", "probe"),
        ("/readyz", "probe"),
        ("/version", "probe"),
    ];
    let found = surfaces
        .iter()
        .find(|(base, _)| below(path, base).is_some());
    found.map_or("other", |(_, surface)| surface)
}

fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(base)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "get",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_anybodys_making_is_one_of_a_few_operations() {
        for (method, path, expected) in [
            (Method::GET, "/api/scim/v2/Users/1", "users.get"),
            (Method::HEAD, "/api/scim/v2/Groups", "groups.get"),
            (Method::POST, "/api/scim/v2/Users/.search", "search.post"),
            (Method::POST, "/api/scim/v2/.search", "search.post"),
            (Method::POST, "/api/scim/v2/Bulk", "bulk.post"),
            (Method::GET, "/api/scim/v2/Schemas/urn:x", "discovery.get"),
            (Method::GET, "/api/scim/v2/Nonsense/1", "scim.get"),
            (Method::PATCH, "/api/scim/v2", "scim.patch"),
            (Method::GET, "/api/scim/v21/Users", "other.get"),
            (Method::PUT, "/api/admin/v1/x", "admin_api.put"),
            (Method::GET, "/admin/users", "console.get"),
            (Method::GET, "/administrators", "other.get"),
            (Method::GET, "/readyz", "probe.get"),
            (Method::TRACE, "/", "other.other"),
        ] {
            assert_eq!(operation(&method, path), expected, "{path}");
        }
    }
}
