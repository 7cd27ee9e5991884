//! What a request said, as the provisioning log keeps it: without secrets, and not at any length.

use scim_protocol::path::same_name;
use scim_protocol::text::storable;
use scim_service::{BulkStep, Method, Request};
use serde_json::{Map, Value, json};

use crate::id::ResourceKind;

/// A request, kept until there is something to log.
pub(crate) struct Received {
    method: Method,
    target: String,
    body: Body,
    if_match: Option<String>,
    /// Whether references to other operations of a bulk request were left out.
    left_out: bool,
}

enum Body {
    /// As it came; it may be no JSON at all.
    Bytes(Vec<u8>),
    Parsed(Option<Value>),
}

impl Received {
    pub(crate) fn of(request: &Request<'_>) -> Self {
        let mut target = request.path.to_owned();
        if !request.query.is_empty() {
            target = format!("{target}?{}", request.query);
        }
        Self {
            method: request.method,
            target,
            body: Body::Bytes(
                request
                    .body
                    .get(..LONGEST + 1)
                    .unwrap_or(request.body)
                    .to_vec(),
            ),
            if_match: request.if_match.map(shortened),
            left_out: false,
        }
    }

    /// An operation of a bulk request.
    pub(crate) fn operation(step: &BulkStep<'_>) -> Self {
        Self {
            method: step.method,
            target: step.path.to_owned(),
            body: Body::Parsed(step.data.cloned()),
            if_match: step.version.map(shortened),
            left_out: step.left_out,
        }
    }

    /// The request for the log: `{"method", "target", "body", "ifMatch"}`, and `leftOut` where
    /// something was. A body that is too long or no JSON
    /// is told of in a sentence.
    pub(crate) fn to_json(&self) -> Value {
        let body = match &self.body {
            Body::Bytes(bytes) if bytes.is_empty() => None,
            Body::Bytes(bytes) if bytes.len() > LONGEST => Some(json!("(too long to be kept)")),
            Body::Bytes(bytes) => Some(
                serde_json::from_slice(bytes)
                    .map_or_else(|_error| json!("(no JSON)"), |body| redacted(&body)),
            ),
            Body::Parsed(None) => None,
            Body::Parsed(Some(body)) => {
                let body = redacted(body);
                let long = body.to_string().len() > LONGEST;
                Some(if long {
                    json!("(too long to be kept)")
                } else {
                    body
                })
            }
        };
        let mut said = json!({
            "method": self.method.as_str(),
            "target": shortened(&self.target),
            "body": body,
            "ifMatch": self.if_match,
        });
        if let Some(members) = said.as_object_mut().filter(|_| self.left_out) {
            members.insert("leftOut".to_owned(), json!(true));
        }
        said
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(TARGET).collect()
}

/// A document in which the values of secret attributes are hidden, wherever they stand.
fn redacted(document: &Value) -> Value {
    match document {
        Value::Object(members) => {
            // A PATCH operation names the attribute beside its value.
            let names_secret = members.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_secret)
            });
            let shown = members.iter().map(|(name, value)| {
                let hidden =
                    is_secret(name) || (names_secret && name.eq_ignore_ascii_case("value"));
                let value = if hidden {
                    json!(HIDDEN)
                } else {
                    redacted(value)
                };
                (name.clone(), value)
            });
            Value::Object(shown.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

/// The `userName` or `displayName` that a document gives, with a schema before it or without.
pub(crate) fn name_in(document: &Value, kind: ResourceKind) -> Option<String> {
    let wanted = match kind {
        ResourceKind::User => "userName",
        ResourceKind::Group => "displayName",
    };
    let bare = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
    let mut members = document.as_object()?.iter();
    let (_, value) = members.find(|(name, _)| same_name(&bare(name), wanted))?;
    let name = value.as_str().filter(|name| storable(name));
    name.map(str::to_owned)
}

/// Whether a name or a path is about the password, with a schema before it or without.
fn is_secret(path: &str) -> bool {
    path.to_ascii_lowercase().contains("password")
}

/// The longest body that is kept, in bytes.
const LONGEST: usize = 8 * 1024;
/// The longest target and condition, in characters.
pub(crate) const TARGET: usize = 1_000;
/// What stands in the place of a secret.
pub(crate) const HIDDEN: &str = "(hidden)";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &[u8]) -> Value {
        let request = Request {
            method: Method::Patch,
            path: "/Users/1",
            query: "attributes=id",
            body,
            if_match: Some("W/\"1\""),
            if_none_match: None,
        };
        Received::of(&request).to_json()
    }

    #[test]
    fn a_request_is_kept_with_its_target() {
        assert_eq!(
            said(br#"{"userName": "ava"}"#),
            json!({"method": "PATCH", "target": "/Users/1?attributes=id", "body": {"userName": "ava"},
                "ifMatch": "W/\"1\""})
        );
        assert_eq!(said(b"")["body"], Value::Null);
        assert_eq!(said(b"<x>")["body"], "(no JSON)");
    }

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        let body = br#"{"PassWord": "s3cret", "Operations": [
            {"op": "replace", "path": "password", "value": "s3cret"},
            {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": "s3cret"},
            {"op": "add", "value": {"password": "s3cret", "title": "Boss"}},
            {"op": "add", "value": {"urn:x:password": ["s3cret"]}}]}"#;
        let said = said(body).to_string();
        assert!(!said.contains("s3cret"), "{said}");
        assert!(said.contains("Boss"), "{said}");
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let long = json!({ "userName": "a".repeat(LONGEST) }).to_string();
        assert_eq!(said(long.as_bytes())["body"], "(too long to be kept)");
        let data = serde_json::from_str(&long).unwrap();
        let operation = Received::operation(&BulkStep {
            method: Method::Post,
            path: "/Users",
            data: Some(&data),
            version: None,
            left_out: false,
        });
        assert_eq!(operation.to_json()["body"], "(too long to be kept)");
    }

    #[test]
    fn an_operation_says_what_it_was_bound_to_and_whether_it_is_whole() {
        let said = |left_out| {
            let step = BulkStep {
                method: Method::Delete,
                path: "/Users/1",
                data: None,
                version: Some("W/\"2\""),
                left_out,
            };
            Received::operation(&step).to_json()
        };
        assert_eq!(said(false)["ifMatch"], "W/\"2\"");
        assert_eq!(said(false).get("leftOut"), None);
        assert_eq!(said(true)["leftOut"], true);
    }
}
