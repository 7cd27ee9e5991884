//! What a request said, as the provisioning log keeps it: without secrets, and not at any length.

use serde_json::{Map, Value, json};

use crate::operation::{Method, Request};

/// A request, kept until there is something to log.
pub(crate) struct Received {
    method: Method,
    target: String,
    body: Body,
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
        }
    }

    /// An operation of a bulk request.
    pub(crate) fn operation(method: Method, path: &str, data: Option<&Value>) -> Self {
        Self {
            method,
            target: path.to_owned(),
            body: Body::Parsed(data.cloned()),
        }
    }

    /// The request for the log: `{"method", "target", "body"}`. A body that is too long or no JSON
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
        let target: String = self.target.chars().take(TARGET).collect();
        json!({ "method": self.method.as_str(), "target": target, "body": body })
    }
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

/// Whether a name or a path is about the password, with a schema before it or without.
fn is_secret(path: &str) -> bool {
    path.to_ascii_lowercase().contains("password")
}

/// The longest body that is kept, in bytes.
const LONGEST: usize = 16 * 1024;
const TARGET: usize = 1_000;
const HIDDEN: &str = "(hidden)";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &[u8]) -> Value {
        let request = Request {
            method: Method::Patch,
            path: "/Users/1",
            query: "attributes=id",
            body,
            if_match: None,
            if_none_match: None,
        };
        Received::of(&request).to_json()
    }

    #[test]
    fn a_request_is_kept_with_its_target() {
        assert_eq!(
            said(br#"{"userName": "ava"}"#),
            json!({"method": "PATCH", "target": "/Users/1?attributes=id", "body": {"userName": "ava"}})
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
        let operation = Received::operation(Method::Post, "/Users", Some(&data));
        assert_eq!(operation.to_json()["body"], "(too long to be kept)");
    }
}
