//! Mappings of identity providers, read as rules.
//!
//! An identity provider maps its own attributes to those of SCIM with expressions. Where an
//! expression has an equal it becomes a rule over the attribute as the identity provider sends it
//! without the expression; what has none is listed with the reason.

mod expression;
mod names;
mod translate;

use serde_json::Value;

use self::expression::Language;
use crate::convert::convert;
use crate::rule::{MappingSet, Rule, Source};

/// Whose mapping is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// The schema of a provisioning job of Microsoft Entra ID, as Graph answers it or the portal
    /// downloads it (`synchronizationRules`), or a list of its `attributeMappings`.
    Entra,
    /// A profile mapping of Okta, as its API answers it (`properties`).
    Okta,
}

impl ImportFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Entra, Self::Okta];

    /// The format as it is entered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
        }
    }

    /// The format of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// What of a mapping became rules, and what did not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Import {
    /// The rules; several for one field where the expression chooses.
    pub rules: Vec<Rule>,
    /// What has no equal.
    pub without_equal: Vec<WithoutEqual>,
}

/// An expression that has no equal.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "target": "nickName", "expression": "NumFromDate([hired])",
    "reason": "there is no function NumFromDate",
})))]
#[serde(rename_all = "camelCase")]
pub struct WithoutEqual {
    /// The attribute that the identity provider gives by it.
    pub target: String,
    /// The expression.
    pub expression: String,
    /// Why it has none.
    pub reason: String,
}

/// Why a document is no mapping of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document has no {member}")]
pub struct ImportError {
    /// What it should have.
    pub member: &'static str,
}

/// One attribute of the identity provider's mapping.
struct Mapped {
    target: String,
    expression: String,
    /// Whether it is sent when the resource is created alone.
    on_create: bool,
    default: Option<Value>,
}

impl Import {
    /// Reads a mapping.
    ///
    /// # Errors
    /// [`ImportError`] when the document is no mapping of this format.
    pub fn read(format: ImportFormat, document: &Value) -> Result<Self, ImportError> {
        let (mapped, language) = match format {
            ImportFormat::Entra => (entra(document)?, Language::Entra),
            ImportFormat::Okta => (okta(document)?, Language::Okta),
        };
        let mut import = Self::default();
        for one in mapped {
            let translated =
                translate::rules(&one, language).map_err(|unequal| unequal.to_string());
            let fitting = translated.and_then(|rules| match rules.iter().find_map(misfit) {
                Some(reason) => Err(reason),
                None => Ok(rules),
            });
            match fitting {
                Ok(rules) => {
                    // Two attributes that go to one field: the first counts.
                    let taken = |rule: &Rule| {
                        let mut known = import.rules.iter();
                        known.any(|other| other.target == rule.target)
                    };
                    match rules.iter().any(taken) {
                        false => import.rules.extend(rules),
                        true => import.without_equal.push(WithoutEqual {
                            target: one.target,
                            expression: one.expression,
                            reason: "another attribute before it gives the same field".to_owned(),
                        }),
                    }
                }
                Err(reason) => import.without_equal.push(WithoutEqual {
                    target: one.target,
                    expression: one.expression,
                    reason,
                }),
            }
        }
        let mut keys: Vec<String> = Vec::new();
        for rule in &mut import.rules {
            let mut key = rule.key.clone();
            let mut number = 2;
            while keys.contains(&key) {
                key = format!("{}_{number}", rule.key);
                number += 1;
            }
            keys.push(key.clone());
            rule.key = key;
        }
        Ok(import)
    }
}

impl MappingSet {
    /// The set with these rules in the places of those for the same fields; the others stay.
    #[must_use]
    pub fn with_imported(mut self, rules: Vec<Rule>) -> Self {
        for rule in &rules {
            self.rules.retain(|known| known.target != rule.target);
        }
        for rule in rules {
            let of_field = |known: &Rule| known.target == rule.target;
            let after = self.rules.iter().rposition(of_field);
            let mut rule = rule;
            while self.rules.iter().any(|known| known.key == rule.key) {
                rule.key.push('\'');
            }
            match after {
                Some(at) => self.rules.insert(at + 1, rule),
                None => self.rules.push(rule),
            }
        }
        self
    }
}

/// Why a rule could never give its field the constant that it has.
fn misfit(rule: &Rule) -> Option<String> {
    let Source::Constant(value) = &rule.source else {
        return None;
    };
    if !rule.transforms.is_empty() {
        return None;
    }
    let error = convert(&rule.target.kind(), value).err()?;
    let label = rule.target.label();
    Some(format!(
        "{value} does not fit the field \"{label}\": {error}"
    ))
}

fn entra(document: &Value) -> Result<Vec<Mapped>, ImportError> {
    // A schema has a rule with mappings of objects: that of users counts.
    let schema = document.get("schema").unwrap_or(document);
    let of_users = |mapping: &&Value| {
        let name = mapping.get("targetObjectName").and_then(Value::as_str);
        name.is_some_and(|name| name.to_lowercase().ends_with("user"))
    };
    let rules = schema.get("synchronizationRules").and_then(Value::as_array);
    let mut objects = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.get("objectMappings")?.as_array())
        .flatten();
    let object = objects.find(of_users);
    let mappings = object.unwrap_or(schema).get("attributeMappings");
    let mappings = mappings.or(Some(document)).and_then(Value::as_array);
    let mappings = mappings.filter(|list| list.iter().all(Value::is_object));
    let mappings = mappings.ok_or(ImportError {
        member: "attributeMappings",
    })?;
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    Ok(mappings
        .iter()
        .map(|mapping| Mapped {
            target: text(mapping, "targetAttributeName"),
            expression: mapping.get("source").map_or_else(String::new, |source| {
                match source.get("expression").and_then(Value::as_str) {
                    Some(expression) => expression.to_owned(),
                    None => text(source, "name"),
                }
            }),
            on_create: text(mapping, "flowType") == "ObjectAddOnly",
            default: mapping
                .get("defaultValue")
                .filter(|value| !value.is_null() && *value != "")
                .cloned(),
        })
        .collect())
}

fn okta(document: &Value) -> Result<Vec<Mapped>, ImportError> {
    let properties = document.get("properties").and_then(Value::as_object);
    let properties = properties.ok_or(ImportError {
        member: "properties",
    })?;
    Ok(properties
        .iter()
        .map(|(target, property)| {
            let text = |name: &str| property.get(name).and_then(Value::as_str);
            Mapped {
                target: target.clone(),
                expression: text("expression").unwrap_or_default().to_owned(),
                on_create: text("pushStatus") == Some("DONT_PUSH"),
                default: None,
            }
        })
        .collect())
}
