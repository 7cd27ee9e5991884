//! What rules make of one resource, step by step, for whoever edits them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::compile::{CompiledMapping, CompiledRule};
use crate::project::{Event, VerdictStatus};
use crate::record::{FieldValue, Record};
use crate::source::Reading;
use crate::target::TargetField;
use crate::transform::Given;

/// What rules make of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "record": { "user_name": "ava", "job_title": "Lead" },
    "sentBack": { "userName": "ava", "title": "Lead" },
})))]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// One row per rule.
    pub rules: Vec<RulePreview>,
    /// The fields that have a value, by their keys.
    pub record: Map<String, Value>,
    /// What changes of the record that is there.
    pub changes: Vec<FieldChange>,
    /// What an identity provider would read: the resource, corrected where the record differs.
    pub sent_back: Map<String, Value>,
}

/// What one rule makes of a resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "number": 3, "key": "job_title", "counts": true, "source": "title",
    "sourceValue": " Lead", "target": "job_title", "value": "Lead", "status": "ok",
    "message": null,
})))]
#[serde(rename_all = "camelCase")]
pub struct RulePreview {
    /// The number of the rule, from 1.
    pub number: usize,
    /// The key of the rule.
    pub key: String,
    /// The condition of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Whether it is the rule that counts for its field.
    pub counts: bool,
    /// Where the value comes from.
    pub source: String,
    /// The value there.
    pub source_value: Option<Value>,
    /// The value after each transform.
    pub steps: Vec<Step>,
    /// The field.
    pub target: String,
    /// The value of the field.
    pub value: Option<Value>,
    /// `ok`, `defaulted`, `skipped`, `warning` or `error`.
    pub status: &'static str,
    /// Why, where the status does not say it all.
    pub message: Option<String>,
}

/// A transform and what it made of the value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "transform": "trim", "value": "Lead" })))]
pub struct Step {
    /// The transform.
    pub transform: Value,
    /// The value after it.
    pub value: Option<Value>,
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "field": "job_title", "old": "Engineer", "new": "Lead" })))]
pub struct FieldChange {
    /// The key of the field.
    pub field: String,
    /// The value before.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
}

impl<F: TargetField> CompiledMapping<F> {
    /// What the rules make of a resource, and of the record that is there.
    ///
    /// ```
    /// use scim_mapping::{Catalog, Event, MappingSet, ResourceKind};
    /// use scim_protocol::ResourceDefinition;
    /// use serde_json::json;
    ///
    /// let rule = r#"userName > trim > lower -> user_name; {"required": true}"#.parse()?;
    /// let set = MappingSet::new(ResourceKind::User, vec![rule]);
    /// let mapping = set.compile(&ResourceDefinition::user(), &Catalog::default())?;
    /// let user = json!({"userName": " AVA"});
    /// let preview = mapping.preview(user.as_object().unwrap(), Event::Create, None);
    /// let rule = &preview.rules[0];
    /// assert_eq!((rule.status, &rule.source_value), ("ok", &Some(json!(" AVA"))));
    /// let steps: Vec<_> = rule.steps.iter().map(|step| step.value.clone()).collect();
    /// assert_eq!(steps, [Some(json!("AVA")), Some(json!("ava"))]);
    /// assert_eq!(preview.changes[0].field, "user_name");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn preview(
        &self,
        attributes: &Map<String, Value>,
        event: Event,
        current: Option<&Record<F>>,
    ) -> Preview {
        let projection = self.project(attributes, event);
        let record = match current {
            Some(current) => projection.onto(current),
            None => projection.record.clone(),
        };
        let given = self.given(attributes);
        let reading = Reading {
            attributes,
            given: &given,
        };
        let verdicts = projection.verdicts.iter().zip(&self.rules);
        let rules = verdicts
            .map(|(verdict, rule)| {
                let (status, message) = status(&verdict.status);
                let counts = verdict.counts();
                let value = projection.record.get(&verdict.field);
                RulePreview {
                    value: value.filter(|_| counts).map(FieldValue::to_json),
                    status,
                    message,
                    counts,
                    // What does not count is not evaluated.
                    ..rule.preview(counts.then_some(reading))
                }
            })
            .collect();
        let empty = Record::new();
        Preview {
            rules,
            changes: field_changes(current.unwrap_or(&empty), &record),
            sent_back: self.emit(attributes, current.unwrap_or(&record)),
            record: record
                .iter()
                .map(|(field, value)| (field.to_string(), value.to_json()))
                .collect(),
        }
    }
}

impl<F: TargetField> CompiledRule<F> {
    fn preview(&self, reading: Option<Reading<'_>>) -> RulePreview {
        let mut given = reading.map_or(Ok(None), |reading| self.source.value(reading));
        let shown = |given: &Given| given.as_ref().ok().cloned().flatten();
        let source_value = shown(&given);
        let mut steps = Vec::with_capacity(self.transforms.len());
        for transform in self.transforms.iter().filter(|_| reading.is_some()) {
            given = transform.follow(given);
            steps.push(Step {
                transform: serde_json::to_value(&transform.transform).unwrap_or(Value::Null),
                value: shown(&given),
            });
        }
        RulePreview {
            number: self.number,
            key: self.rule.key.clone(),
            when: self.rule.when.clone(),
            counts: false,
            source: self.rule.source.to_string(),
            source_value,
            steps,
            target: self.rule.target.to_string(),
            value: None,
            status: "skipped",
            message: None,
        }
    }
}

fn status(status: &VerdictStatus) -> (&'static str, Option<String>) {
    match status {
        VerdictStatus::Ok => ("ok", None),
        VerdictStatus::Defaulted => ("defaulted", None),
        VerdictStatus::Skipped(reason) => ("skipped", Some(reason.to_string())),
        VerdictStatus::Warning(reason) => ("warning", Some(reason.to_string())),
        VerdictStatus::Error(reason) => ("error", Some(reason.to_string())),
    }
}

/// The fields in which two records differ, in the order of the fields. A value that is the same as
/// none ([`TargetField::unset`]) differs from no value in nothing.
///
/// ```
/// use scim_mapping::{Field, FieldValue, Record, field_changes};
///
/// let text = |text: &str| FieldValue::Text(text.into());
/// let old = Record::from([(Field::JobTitle, text("Lead"))]);
/// // In ServiceOps whoever is no VIP is so without saying it.
/// let no_vip = (Field::Vip, FieldValue::Boolean(false));
/// let new = Record::from([(Field::JobTitle, text("Head")), no_vip]);
/// let changes = field_changes(&old, &new);
/// assert_eq!(changes.len(), 1);
/// assert_eq!(changes[0].field, "job_title");
/// assert_eq!(changes[0].new, Some("Head".into()));
/// ```
pub fn field_changes<F: TargetField>(old: &Record<F>, new: &Record<F>) -> Vec<FieldChange> {
    let fields: BTreeSet<&F> = old.keys().chain(new.keys()).collect();
    let value = |record: &Record<F>, field: &F| match record.get(field) {
        value if value == field.unset() => None,
        value => value.map(FieldValue::to_json),
    };
    fields
        .into_iter()
        .filter(|field| value(old, field) != value(new, field))
        .map(|field| FieldChange {
            field: field.to_string(),
            old: value(old, field),
            new: value(new, field),
        })
        .collect()
}
