//! From a resource to a record.

use std::fmt;

use scim_protocol::{AttributePath, Error, ScimType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::arrange::FieldRules;
use crate::compile::{CompiledMapping, CompiledRule};
use crate::convert::convert;
use crate::error::ValueError;
use crate::record::{Field, FieldValue, Record};
use crate::rule::{Apply, OnAbsent, OnError};
use crate::source::Reading;
use crate::target::TargetField;
use crate::transform::{Given, apply_all};
use crate::value_kind::FieldKind;

/// What happens to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is created.
    Create,
    /// It changes.
    Change,
}

/// A record, and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection<F: TargetField = Field> {
    /// The fields that have a value.
    pub record: Record<F>,
    /// The fields that are cleared.
    pub cleared: Vec<F>,
    /// One verdict per rule, in the order of the rules.
    pub verdicts: Vec<Verdict<F>>,
}

/// What one rule made of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<F: TargetField = Field> {
    /// The number of the rule in its set, from 1.
    pub rule: usize,
    /// The SCIM path, where the source is one.
    pub path: String,
    /// The field.
    pub field: F,
    /// The name that people see of the field.
    pub label: String,
    /// How it went.
    pub status: VerdictStatus,
}

/// How a rule went.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum VerdictStatus {
    /// The field has the attribute's value.
    Ok,
    /// The field has the default.
    Defaulted,
    /// The field was left alone or cleared, for this reason, and that is all right.
    Skipped(SkipReason),
    /// The field did not get the value, and an administrator should know why.
    Warning(ValueError),
    /// The resource is refused.
    Error(ValueError),
}

/// Why a field was left alone or cleared, where that is all right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// The field is written when the resource is created, and it was before.
    #[error("written on creation")]
    Created,
    /// The resource has no value.
    #[error("no value")]
    Absent,
    /// The resource does not meet the condition of the rule.
    #[error("its condition does not hold")]
    NotMet,
    /// A rule before it counts for the field.
    #[error("rule {rule} counts")]
    Behind {
        /// The number of that rule.
        rule: usize,
    },
}

/// Which of the rules for a field counts for a resource, and why those before it do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FieldChoice {
    /// The key of the field.
    pub field: String,
    /// The number of the rule that counts; none where no condition holds.
    pub rule: Option<usize>,
    /// The numbers of the rules whose conditions do not hold.
    pub not_met: Vec<usize>,
}

impl fmt::Display for FieldChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(rule) => write!(formatter, "rule {rule} counts; ")?,
            None => formatter.write_str("no rule counts; ")?,
        }
        let (word, hold) = match self.not_met.len() {
            1 => ("rule", "condition does not hold"),
            _ => ("rules", "conditions do not hold"),
        };
        let numbers: Vec<String> = self.not_met.iter().map(usize::to_string).collect();
        write!(formatter, "of {word} {} the {hold}", numbers.join(", "))
    }
}

impl<F: TargetField> Verdict<F> {
    /// Whether the rule is the one that counts for its field.
    pub fn counts(&self) -> bool {
        !matches!(
            self.status,
            VerdictStatus::Skipped(SkipReason::NotMet | SkipReason::Behind { .. })
        )
    }
}

impl<F: TargetField> Projection<F> {
    /// Which rules counted, of the fields for which a rule did not.
    pub fn choices(&self) -> Vec<FieldChoice> {
        let mut choices: Vec<FieldChoice> = Vec::new();
        for verdict in &self.verdicts {
            let key = verdict.field.to_string();
            let at = choices.iter().position(|choice| choice.field == key);
            let at = at.unwrap_or_else(|| {
                choices.push(FieldChoice {
                    field: key,
                    rule: None,
                    not_met: Vec::new(),
                });
                choices.len() - 1
            });
            let Some(choice) = choices.get_mut(at) else {
                continue;
            };
            if verdict.counts() {
                choice.rule = Some(verdict.rule);
            } else if verdict.status == VerdictStatus::Skipped(SkipReason::NotMet) {
                choice.not_met.push(verdict.rule);
            }
        }
        choices.retain(|choice| !choice.not_met.is_empty());
        choices
    }

    /// The verdict for which the resource is refused.
    pub fn rejection(&self) -> Option<&Verdict<F>> {
        self.verdicts
            .iter()
            .find(|verdict| matches!(verdict.status, VerdictStatus::Error(_)))
    }

    /// The verdicts that an administrator should look at.
    pub fn warnings(&self) -> impl Iterator<Item = &Verdict<F>> {
        self.verdicts
            .iter()
            .filter(|verdict| matches!(verdict.status, VerdictStatus::Warning(_)))
    }

    /// The record of a resource that changed: fields that no rule wrote or cleared stay.
    ///
    /// ```
    /// use scim_mapping::{Catalog, Event, Field, FieldValue, MappingSet, Record};
    /// use scim_protocol::ResourceDefinition;
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let mapping = MappingSet::default_user().compile(&users, &Catalog::default())?;
    /// let stored = Record::from([
    ///     (Field::JobTitle, FieldValue::Text("Lead".into())),
    ///     (Field::Vip, FieldValue::Boolean(true)),
    /// ]);
    /// let user = json!({"userName": "ava"});
    /// let projection = mapping.project(user.as_object().unwrap(), Event::Change);
    /// let record = projection.onto(&stored);
    /// assert!(!record.contains_key(&Field::JobTitle), "a rule cleared it");
    /// assert_eq!(record[&Field::Vip], FieldValue::Boolean(true), "no rule is for it");
    /// # Ok::<(), scim_mapping::MappingError>(())
    /// ```
    pub fn onto(&self, current: &Record<F>) -> Record<F> {
        let mut record = current.clone();
        for field in &self.cleared {
            record.remove(field);
        }
        record.extend(self.record.clone());
        record
    }
}

impl<F: TargetField> Verdict<F> {
    /// The error that the client is told.
    pub fn to_error(&self) -> Error {
        Error::new(ScimType::InvalidValue, format!("{self}."))
    }
}

impl<F: TargetField> fmt::Display for Verdict<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason: &dyn fmt::Display = match &self.status {
            VerdictStatus::Ok => &"mapped",
            VerdictStatus::Defaulted => &"defaulted",
            VerdictStatus::Skipped(reason) => reason,
            VerdictStatus::Warning(reason) | VerdictStatus::Error(reason) => reason,
        };
        write!(
            formatter,
            "\"{}\": {reason} ({} field \"{}\", rule {})",
            self.path,
            F::RECORDS,
            self.label,
            self.rule
        )
    }
}

impl<F: TargetField> CompiledMapping<F> {
    /// Maps a resource of canonical attributes to a record.
    pub fn project(&self, attributes: &Map<String, Value>, event: Event) -> Projection<F> {
        self.run(attributes, event, None)
    }

    /// Evaluates the rules that read one of the attributes, such as those that a PATCH touches;
    /// [`Projection::onto`] leaves the fields of the others as they are.
    ///
    /// A rule reads what its condition reads, and what the rules read whose fields it reads; with
    /// one of the rules for a field all of them are evaluated.
    ///
    /// ```
    /// use scim_mapping::{Catalog, Event, Field, MappingSet};
    /// use scim_protocol::{AttributePath, ResourceDefinition};
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let mapping = MappingSet::default_user().compile(&users, &Catalog::default())?;
    /// let before = json!({"userName": "ava", "title": "Lead"});
    /// let stored = mapping.project(before.as_object().unwrap(), Event::Create).record;
    ///
    /// // A PATCH of the title made this of it.
    /// let after = json!({"userName": "ava", "title": "Head"});
    /// let touched = [AttributePath::new("title")];
    /// let projection = mapping.project_touched(after.as_object().unwrap(), &touched);
    /// assert_eq!(projection.verdicts.len(), 1, "one rule reads it");
    /// let record = projection.onto(&stored);
    /// assert_eq!(record[&Field::JobTitle].as_text(), Some("Head"));
    /// assert_eq!(record[&Field::UserName].as_text(), Some("ava"));
    /// # Ok::<(), scim_mapping::MappingError>(())
    /// ```
    pub fn project_touched(
        &self,
        attributes: &Map<String, Value>,
        touched: &[AttributePath],
    ) -> Projection<F> {
        self.run(attributes, Event::Change, Some(self.touched(touched)))
    }

    /// Whether a rule reads the attribute.
    pub fn reads(&self, path: &AttributePath) -> bool {
        self.rules.iter().any(|rule| rule.reads(path))
    }

    fn run(
        &self,
        attributes: &Map<String, Value>,
        event: Event,
        concerned: Option<Vec<bool>>,
    ) -> Projection<F> {
        let mut projection = Projection {
            record: Record::new(),
            cleared: Vec::new(),
            verdicts: Vec::new(),
        };
        let given = self.given(attributes);
        let reading = Reading {
            attributes,
            given: &given,
        };
        let concerns = |place: usize| {
            let concerned = concerned.as_ref();
            concerned.is_none_or(|fields| fields.get(place).copied().unwrap_or_default())
        };
        let counting = self.all_counting(attributes, &concerns);
        for (place, rule) in self.rules.iter().enumerate() {
            if !concerns(rule.field) {
                continue;
            }
            let status = match counting.get(rule.field) {
                Some(Some(counts)) if *counts < place => {
                    let rule = self.rules.get(*counts).map_or(0, |rule| rule.number);
                    VerdictStatus::Skipped(SkipReason::Behind { rule })
                }
                Some(counts) if *counts != Some(place) => {
                    if counts.is_none() && self.is_last(place, rule) {
                        rule.uncounted(event, &mut projection);
                    }
                    VerdictStatus::Skipped(SkipReason::NotMet)
                }
                _ => match (rule.rule.apply, event) {
                    (Apply::OnCreate, Event::Change) => VerdictStatus::Skipped(SkipReason::Created),
                    _ => rule.project(reading, event, &mut projection),
                },
            };
            projection.verdicts.push(Verdict {
                rule: rule.number,
                path: rule.path(reading),
                field: rule.rule.target.clone(),
                label: rule.label.clone(),
                status,
            });
        }
        projection
    }

    /// Which rule counts for every field that is concerned; nothing where there is no choice.
    fn all_counting(
        &self,
        attributes: &Map<String, Value>,
        concerns: &dyn Fn(usize) -> bool,
    ) -> Vec<Option<usize>> {
        if !self.arrangement.chooses {
            return Vec::new();
        }
        let fields = self.arrangement.fields.iter().enumerate();
        let counting = |(place, field): (usize, &FieldRules<F>)| match concerns(place) {
            true => self.counting(field, attributes),
            false => None,
        };
        fields.map(counting).collect()
    }

    /// Whether a rule is the last one for its field.
    fn is_last(&self, place: usize, rule: &CompiledRule<F>) -> bool {
        let field = self.arrangement.fields.get(rule.field);
        field.is_some_and(|field| field.rules.last() == Some(&place))
    }
}

impl<F: TargetField> CompiledRule<F> {
    /// Whether the source or the condition reads the attribute.
    pub(crate) fn reads(&self, path: &AttributePath) -> bool {
        let by_condition = self.when.as_ref().is_some_and(|when| when.reads(path));
        by_condition || self.source.reads(path)
    }

    /// No condition of the rules for a field holds: the field has no value, unless the last of the
    /// rules keeps what is there.
    fn uncounted(&self, event: Event, projection: &mut Projection<F>) {
        let kept = self.rule.on_absent == OnAbsent::Keep || self.rule.apply == Apply::OnCreate;
        if !(kept && event == Event::Change) {
            projection.cleared.push(self.rule.target.clone());
        }
    }

    fn project(
        &self,
        reading: Reading<'_>,
        event: Event,
        projection: &mut Projection<F>,
    ) -> VerdictStatus {
        let field = &self.rule.target;
        match self.converted(reading) {
            Ok(None) => self.absent(event, projection),
            Ok(Some(value)) => {
                projection.record.insert(field.clone(), value);
                VerdictStatus::Ok
            }
            Err(reason) if self.rule.required || self.rule.on_error == OnError::Reject => {
                VerdictStatus::Error(reason)
            }
            Err(reason) => {
                if let (OnError::UseDefault, Some(default)) = (self.rule.on_error, &self.default) {
                    projection.record.insert(field.clone(), default.clone());
                }
                VerdictStatus::Warning(reason)
            }
        }
    }

    /// Without a value a field gets the default, if there is one; a field that is kept gets it
    /// once.
    fn absent(&self, event: Event, projection: &mut Projection<F>) -> VerdictStatus {
        let field = &self.rule.target;
        let kept = self.rule.on_absent == OnAbsent::Keep && event == Event::Change;
        if let (Some(default), false) = (&self.default, kept) {
            projection.record.insert(field.clone(), default.clone());
            return VerdictStatus::Defaulted;
        }
        if self.rule.required {
            return VerdictStatus::Error(ValueError::Required);
        }
        if self.rule.on_absent != OnAbsent::Keep {
            projection.cleared.push(field.clone());
        }
        match self.rule.warn_if_missing {
            true => VerdictStatus::Warning(ValueError::Absent),
            false => VerdictStatus::Skipped(SkipReason::Absent),
        }
    }

    /// The value of the source after the transforms, as one of the field; the error says why it
    /// cannot be read, or does not fit.
    pub(crate) fn converted(&self, reading: Reading<'_>) -> Result<Option<FieldValue>, ValueError> {
        let value = self.value(reading)?.filter(|value| !self.is_blank(value));
        let converted = value.map(|value| convert(&self.kind, &value));
        converted.transpose()
    }

    /// The value of the source after the transforms.
    pub(crate) fn value(&self, reading: Reading<'_>) -> Given {
        let value = apply_all(&self.transforms, self.source.value(reading))?;
        Ok(value.filter(|value| {
            !value.is_null() && value != "" && value.as_array().is_none_or(|v| !v.is_empty())
        }))
    }

    /// Whether this is no value of the field, though it is one of its attribute: blank text where
    /// something else belongs.
    fn is_blank(&self, value: &Value) -> bool {
        let measured = matches!(
            self.kind,
            FieldKind::Number { .. } | FieldKind::Boolean | FieldKind::DateTime
        );
        let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        measured
            && match value {
                Value::Array(values) => values.iter().all(blank),
                single => blank(single),
            }
    }

    /// The path that gave the value, else the first.
    fn path(&self, reading: Reading<'_>) -> String {
        let path = self.source.path(reading).unwrap_or(&self.rule.key);
        path.to_owned()
    }
}

impl FieldValue {
    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
