//! The rules that a new configuration starts with.

use serde_json::Value;

use crate::kind::ResourceKind;
use crate::record::Field;
use crate::rule::{MappingSet, OnAbsent, OnError, Rule, Source};
use crate::transform::{Otherwise, Transform};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

impl MappingSet {
    /// The default rules for users.
    pub fn default_user() -> Self {
        let mut rules = vec![
            Rule {
                required: true,
                on_error: OnError::Reject,
                match_rank: Some(1),
                ..trimmed("userName", Field::UserName)
            },
            name("givenName", Field::FirstName),
            name("familyName", Field::LastName),
            Rule {
                match_rank: Some(2),
                transforms: vec![Transform::Trim, Transform::Lower],
                ..Rule::new(typed_or_any("emails", "work", "value"), Field::Email)
            },
            trimmed("displayName", Field::DisplayName),
            status(),
            Rule::new(
                typed_or_any("phoneNumbers", "work", "value"),
                Field::ContactNo,
            ),
            Rule::new(
                Source::FirstOf(typed("phoneNumbers", "mobile", "value")),
                Field::AltContactNo1,
            ),
            path("title", Field::JobTitle),
        ];
        for (name, field) in [
            ("department", Field::Department),
            ("employeeNumber", Field::EmployeeId),
            ("manager.value", Field::Manager),
        ] {
            rules.push(path(&format!("{ENTERPRISE}:{name}"), field));
        }
        rules.extend([
            Rule::new(
                typed_or_any("addresses", "work", "locality"),
                Field::Location,
            ),
            path("preferredLanguage", Field::Language),
            path("timezone", Field::TimeZone),
            path("externalId", Field::ScimExternalId),
            user_type(),
        ]);
        Self::new(ResourceKind::User, rules)
    }

    /// The default rules for groups.
    pub fn default_group() -> Self {
        let rules = vec![
            Rule {
                required: true,
                on_error: OnError::Reject,
                match_rank: Some(1),
                ..trimmed("displayName", Field::Name)
            },
            path("externalId", Field::ScimExternalId),
            Rule::new(Source::All("members.value".to_owned()), Field::Members),
        ];
        Self::new(ResourceKind::Group, rules)
    }
}

/// A part of the name, taken from the whole one where that is all there is.
fn name(part: &str, target: Field) -> Rule {
    let source = Source::FirstOf(vec![
        format!("name.{part}"),
        format!("name.formatted | {part}"),
    ]);
    Rule {
        transforms: vec![Transform::Trim],
        ..Rule::new(source, target)
    }
}

/// The values of a type: of two the primary one counts.
fn typed(attribute: &str, kind: &str, sub: &str) -> Vec<String> {
    vec![
        format!("{attribute}[type eq \"{kind}\" and primary eq true].{sub}"),
        format!("{attribute}[type eq \"{kind}\"].{sub}"),
    ]
}

/// The value of a type, else the primary one, else the first.
fn typed_or_any(attribute: &str, kind: &str, sub: &str) -> Source {
    let mut paths = typed(attribute, kind, sub);
    paths.push(format!("{attribute}[primary eq true].{sub}"));
    paths.push(format!("{attribute}.{sub}"));
    Source::FirstOf(paths)
}

fn path(path: &str, target: Field) -> Rule {
    Rule::new(Source::Path(path.to_owned()), target)
}

fn trimmed(from: &str, target: Field) -> Rule {
    Rule {
        transforms: vec![Transform::Trim],
        ..path(from, target)
    }
}

fn status() -> Rule {
    Rule {
        transforms: vec![value_map(
            [("true", "active"), ("false", "blocked")],
            Otherwise::Keep,
        )],
        default: Some(Value::from("active")),
        on_absent: OnAbsent::Default,
        ..path("active", Field::Status)
    }
}

/// Off at first, because technicians use up licences.
fn user_type() -> Rule {
    Rule {
        enabled: false,
        transforms: vec![value_map(
            [("technician", "technician"), ("agent", "technician")],
            Otherwise::Value(Value::from("requester")),
        )],
        default: Some(Value::from("requester")),
        on_absent: OnAbsent::Default,
        ..path("userType", Field::UserType)
    }
}

fn value_map<const N: usize>(entries: [(&str, &str); N], otherwise: Otherwise) -> Transform {
    Transform::ValueMap {
        entries: entries
            .into_iter()
            .map(|(from, to)| (from.to_owned(), Value::from(to)))
            .collect(),
        otherwise,
    }
}
