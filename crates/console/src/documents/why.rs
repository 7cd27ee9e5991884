//! Why somebody is as they are.

use chrono::SecondsFormat;
use scim_admin::why::{Found, WhyAnswer};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::mending;

/// Why somebody is as they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "who": "ava", "cause": "link.pending",
    "sentence": "The userName belongs to a person who was created by hand; link them.",
    "mend": {},
}))]
pub struct Why {
    /// Who was asked for.
    pub(crate) who: String,
    /// Everybody who fits, the best first.
    pub(crate) found: Vec<WhyFound>,
    /// What explains how things stand now: a cause of the log, or one of `docs/why.md`.
    #[schema(example = "link.pending")]
    pub(crate) cause: String,
    /// The cause in a sentence.
    pub(crate) sentence: String,
    /// The page that mends it.
    pub(crate) mend: Option<WhyMend>,
    /// Where the field that was asked for has its value from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<WhyField>,
    /// What happened, the newest first.
    pub(crate) timeline: Vec<WhyMoment>,
}

/// Somebody who fits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "type": "person", "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "name": "ava.berg@example.com",
    "displayName": "Ava Berg", "email": "ava.berg@example.com", "status": "active",
    "managedBy": null,
}))]
pub struct WhyFound {
    /// `person`, `attempt` (a name that was asked for) or `lookUp` (a value that was looked for).
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The id of a person.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    /// `active`, `blocked` or `archived`.
    pub(crate) status: Option<String>,
    /// The id of the configuration that manages the person.
    pub(crate) managed_by: Option<String>,
}

/// What mends it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "label": "Open Held & pending",
    "page": "/admin/users/scim-provisioning/0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15/held",
}))]
pub struct WhyMend {
    #[schema(example = "Open Held & pending")]
    pub(crate) label: String,
    /// Where in the console.
    pub(crate) page: String,
}

/// Where a field has its value from.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhyField {
    #[schema(example = "job_title")]
    pub(crate) field: String,
    pub(crate) value: Option<Value>,
    /// `rule`, `value.dropped`, `group`, `given`, `changedByHand` or `noRule`.
    pub(crate) cause: String,
    pub(crate) sentence: String,
    /// The version of the mapping by which it was written.
    pub(crate) version: Option<i64>,
    /// The entry of the log whose request gave the value.
    pub(crate) event: Option<i64>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "at": "2026-11-26T16:50:02.117Z", "event": 48190,
    "sentence": "Entra ID asked to create ava.berg@example.com, who is there already.",
}))]
pub struct WhyMoment {
    pub(crate) at: String,
    pub(crate) sentence: String,
    /// The entry of the log that tells of it.
    pub(crate) event: Option<i64>,
}

impl Why {
    /// What mends it, and where in the console.
    pub fn mending(&self) -> Option<(&str, &str)> {
        let mend = self.mend.as_ref()?;
        Some((&mend.label, &mend.page))
    }
}

/// An answer to why somebody is as they are.
pub fn why(answer: &WhyAnswer) -> Why {
    let moments = answer.timeline.iter().map(|moment| WhyMoment {
        at: moment.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        sentence: moment.sentence.clone(),
        event: moment.event,
    });
    let mend = answer.mend.as_ref().and_then(mending::mend);
    Why {
        who: answer.who.clone(),
        found: answer.found.iter().map(found).collect(),
        cause: answer.cause.as_str().to_owned(),
        sentence: answer.sentence.clone(),
        mend: mend.map(|(label, page)| WhyMend {
            label: label.to_owned(),
            page,
        }),
        field: answer.field.as_ref().map(|field| WhyField {
            field: field.field.clone(),
            value: field.value.clone(),
            cause: field.origin.as_str().to_owned(),
            sentence: field.sentence(),
            version: field.version,
            event: field.event,
        }),
        timeline: moments.collect(),
    }
}

fn found(found: &Found) -> WhyFound {
    let nobody = |kind: &str, name: &str| WhyFound {
        kind: kind.to_owned(),
        id: None,
        name: name.to_owned(),
        display_name: None,
        email: None,
        status: None,
        managed_by: None,
    };
    match found {
        Found::Person(person) => WhyFound {
            id: Some(person.id.clone()),
            display_name: person.display_name.clone(),
            email: person.email.clone(),
            status: Some(person.status.as_str().to_owned()),
            managed_by: person.managed_by.map(|id| id.to_string()),
            ..nobody("person", &person.user_name)
        },
        Found::Attempt(name) => nobody("attempt", name),
        Found::LookUp(value) => nobody("lookUp", value),
    }
}
