//! Carrying out again what the log kept of a request.

use scim_service::{Answer, Method, Request};
use serde_json::Value;

use crate::caller::Caller;
use crate::id::{ResourceId, ResourceKind};
use crate::received;
use crate::route::{self, Route};
use crate::service::ServiceProvider;

/// A write of one user or group as the log kept it: whole, so that it can be carried out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    method: Method,
    target: String,
    body: String,
    if_match: Option<String>,
    /// Whether it is of a user or a group.
    pub kind: ResourceKind,
    /// Which one; `None` for a creation.
    pub id: Option<ResourceId>,
    /// The `userName` or `displayName` that a creation names.
    pub name: Option<String>,
}

/// Why a request of the log cannot be carried out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotKept {
    /// It reads, or is of more than one resource.
    #[error("only the creation, change or deletion of one user or group can be carried out again")]
    NoWrite,
    /// It was too long, no JSON, or kept by an older version, which left something out.
    #[error("the log does not keep the whole request")]
    NotWhole,
    /// It held a secret.
    #[error("the log hides a secret of the request")]
    Hidden,
    /// Its references to other operations of a Bulk request were left out.
    #[error("it was part of a Bulk request and refers to what was not there yet")]
    LeftOut,
}

impl Kept {
    /// Reads what the log has of a request: what it kept, and the id of the resource.
    ///
    /// # Errors
    /// [`NotKept`] when it is not to be carried out again as it stands there.
    pub fn read(request: &Value, resource_id: Option<&str>) -> Result<Self, NotKept> {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let method = match text("method") {
            Some("POST") => Method::Post,
            Some("PUT") => Method::Put,
            Some("PATCH") => Method::Patch,
            Some("DELETE") => Method::Delete,
            _ => return Err(NotKept::NoWrite),
        };
        let target = text("target").ok_or(NotKept::NotWhole)?;
        // Older versions did not keep whether there was a condition.
        let if_match = request.get("ifMatch").ok_or(NotKept::NotWhole)?;
        let shortened = |text: &str| text.chars().count() >= received::TARGET;
        if shortened(target) || if_match.as_str().is_some_and(shortened) {
            return Err(NotKept::NotWhole);
        }
        let (path, _) = split(target);
        let (kind, id) = match route::parse(path) {
            Some(Route::Collection(kind)) if method == Method::Post => (kind, None),
            Some(Route::Resource(kind, id)) if method != Method::Post => {
                (kind, Some(ResourceId::parse(id).ok_or(NotKept::NoWrite)?))
            }
            _ => return Err(NotKept::NoWrite),
        };
        // A question mark that was part of the path, and is not told from the one of a query.
        if id.map(|id| id.to_string()).as_deref() != resource_id {
            return Err(NotKept::NotWhole);
        }
        if request.get("leftOut").is_some() {
            return Err(NotKept::LeftOut);
        }
        let body = request.get("body").filter(|_| method != Method::Delete);
        if method != Method::Delete && !body.is_some_and(Value::is_object) {
            return Err(NotKept::NotWhole);
        }
        if body.is_some_and(hides) {
            return Err(NotKept::Hidden);
        }
        let name = body.filter(|_| id.is_none());
        let name = name.and_then(|body| received::name_in(body, kind));
        Ok(Self {
            method,
            target: target.to_owned(),
            body: body.map(Value::to_string).unwrap_or_default(),
            if_match: if_match.as_str().map(str::to_owned),
            kind,
            id,
            name,
        })
    }
}

impl ServiceProvider {
    /// Carries out again what the log kept, in the name of a caller, with everything that a request
    /// goes through.
    pub fn replay(&self, caller: &Caller, kept: &Kept) -> Answer {
        let (path, query) = split(&kept.target);
        let request = Request {
            method: kept.method,
            path,
            query,
            body: kept.body.as_bytes(),
            if_match: kept.if_match.as_deref(),
            if_none_match: None,
        };
        self.answer(caller, &request)
    }
}

fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// Whether a value stands in the place of a secret, or could.
fn hides(value: &Value) -> bool {
    match value {
        Value::String(text) => text == received::HIDDEN,
        Value::Array(items) => items.iter().any(hides),
        Value::Object(members) => members.values().any(hides),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0198abcd-0000-7000-8000-000000000000";

    fn read(method: &str, target: &str, body: Value, id: Option<&str>) -> Result<Kept, NotKept> {
        let request = json!({"method": method, "target": target, "body": body, "ifMatch": null});
        Kept::read(&request, id)
    }

    #[test]
    fn a_write_of_one_resource_is_read_as_it_was_sent() {
        let kept = read(
            "POST",
            "/Users?attributes=id",
            json!({"USERNAME": "ava"}),
            None,
        )
        .unwrap();
        assert_eq!((kept.kind, kept.id), (ResourceKind::User, None));
        assert_eq!(kept.name.as_deref(), Some("ava"));
        assert_eq!(kept.body, r#"{"USERNAME":"ava"}"#);
        let kept = read("POST", "/Groups", json!({"urn:x:displayName": "Ops"}), None).unwrap();
        assert_eq!(kept.name.as_deref(), Some("Ops"));
        let users = format!("/Users/{ID}");
        for method in ["PUT", "PATCH"] {
            let kept = read(method, &users, json!({"userName": "ava"}), Some(ID)).unwrap();
            assert_eq!(kept.id, ResourceId::parse(ID));
            assert_eq!(kept.name, None);
        }
        let kept = read("DELETE", &users, Value::Null, Some(ID)).unwrap();
        assert_eq!((kept.method, kept.body.as_str()), (Method::Delete, ""));
        let request =
            json!({"method": "DELETE", "target": users, "body": null, "ifMatch": "W/\"3\""});
        let kept = Kept::read(&request, Some(ID)).unwrap();
        assert_eq!(kept.if_match.as_deref(), Some("W/\"3\""));
    }

    #[test]
    fn what_is_not_such_a_write_or_not_whole_is_refused() {
        use NotKept::{Hidden, LeftOut, NoWrite, NotWhole};
        let user = || json!({"userName": "ava"});
        let users = format!("/Users/{ID}");
        let long = format!("/Users?attributes={}", "a".repeat(received::TARGET));
        for (method, target, body, id, wanted) in [
            ("GET", "/Users", Value::Null, None, NoWrite),
            ("POST", "/Users/.search", user(), None, NoWrite),
            ("POST", "/.search", user(), None, NoWrite),
            ("POST", "/Bulk", json!({"Operations": []}), None, NoWrite),
            ("POST", &users, user(), Some(ID), NoWrite),
            ("PUT", "/Users", user(), None, NoWrite),
            ("PATCH", "/Users/x", user(), None, NoWrite),
            ("another", "/Users", user(), None, NoWrite),
            (
                "POST",
                "/Users",
                json!("(too long to be kept)"),
                None,
                NotWhole,
            ),
            ("POST", "/Users", json!("(no JSON)"), None, NotWhole),
            ("POST", "/Users", Value::Null, None, NotWhole),
            ("POST", &long, user(), None, NotWhole),
            // `/Users/{id}%3Fx`, which is no id.
            ("DELETE", &format!("{users}?x"), Value::Null, None, NotWhole),
            (
                "POST",
                "/Users",
                json!({"userName": "ava", "password": "(hidden)"}),
                None,
                Hidden,
            ),
            (
                "PATCH",
                &users,
                json!({"Operations": [{"value": ["(hidden)"]}]}),
                Some(ID),
                Hidden,
            ),
        ] {
            assert_eq!(
                read(method, target, body, id),
                Err(wanted),
                "{method} {target}"
            );
        }
        let tags = "W/\"12\", ".repeat(received::TARGET);
        let tags: String = tags.chars().take(received::TARGET).collect();
        let cut = json!({"method": "PUT", "target": users, "body": user(), "ifMatch": tags});
        assert_eq!(Kept::read(&cut, Some(ID)), Err(NotWhole));
        let older = json!({"method": "POST", "target": "/Users", "body": user()});
        assert_eq!(Kept::read(&older, None), Err(NotWhole));
        let mut part = older;
        part["ifMatch"] = Value::Null;
        part["leftOut"] = json!(true);
        assert_eq!(Kept::read(&part, None), Err(LeftOut));
    }
}
