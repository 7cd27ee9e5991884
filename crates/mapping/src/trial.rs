//! Tests that stand with a mapping set: a sample, and what the rules must make of it.

use scim_protocol::{Resource, ResourceDefinition, Tolerance};
use serde::Serialize;
use serde_json::Value;

use crate::check::check_key;
use crate::compile::CompiledMapping;
use crate::convert::convert;
use crate::error::{Fault, MappingError, RuleErrorKind, RuleList, RulePart};
use crate::kind::ResourceKind;
use crate::project::Event;
use crate::record::FieldValue;
use crate::rule::{MappingSet, MappingTest};
use crate::target::{FieldCatalog, TargetField};

/// How a test went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "key": "lead", "passed": false })))]
#[serde(rename_all = "camelCase")]
pub struct TestOutcome {
    /// The key of the test.
    pub key: String,
    /// Whether the rules make of the sample what they must.
    pub passed: bool,
    /// Why the sample was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The fields that have another value.
    pub differences: Vec<TestDifference>,
}

/// A field that has another value than a test expects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "field": "job_title", "expected": "Lead", "found": "lead",
})))]
#[serde(rename_all = "camelCase")]
pub struct TestDifference {
    /// The key of the field.
    pub field: String,
    /// The value that it must have.
    pub expected: Option<Value>,
    /// The value that the rules give it.
    pub found: Option<Value>,
}

impl TestOutcome {
    /// The error of a test that failed, as the set is refused for it.
    pub fn error(&self, number: usize) -> Option<MappingError> {
        (!self.passed).then(|| MappingError::Test {
            number,
            key: self.key.clone(),
            reason: self.to_string(),
        })
    }
}

impl std::fmt::Display for TestOutcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(refused) = &self.refused {
            return write!(formatter, "the sample is refused: {refused}");
        }
        let shown = |value: &Option<Value>| {
            let value = value.as_ref();
            value.map_or_else(|| "nothing".to_owned(), Value::to_string)
        };
        for (at, difference) in self.differences.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            let (found, expected) = (shown(&difference.found), shown(&difference.expected));
            let field = &difference.field;
            write!(
                formatter,
                "{between}\"{field}\" is {found} and must be {expected}"
            )?;
        }
        Ok(())
    }
}

impl<F: TargetField> MappingSet<F> {
    /// Checks that the tests are some that can be run.
    pub(crate) fn check_tests(
        &self,
        catalog: &impl FieldCatalog<Field = F>,
    ) -> Result<(), MappingError> {
        if self.tests.len() > TESTS {
            return Err(MappingError::TooManyRules {
                list: RuleList::Tests,
                count: self.tests.len(),
                most: TESTS,
            });
        }
        for (at, test) in self.tests.iter().enumerate() {
            let named = |fault: Fault| fault.of(RuleList::Tests, at + 1, &test.key);
            check_key(&test.key).map_err(named)?;
            if self
                .tests
                .iter()
                .take(at)
                .any(|other| other.key == test.key)
            {
                return Err(named(RuleErrorKind::KeyTaken.at(RulePart::Key)).into());
            }
            let sample = Value::Object(test.sample.clone()).to_string();
            if sample.len() > SAMPLE_BYTES {
                let long = RuleErrorKind::ValueTooLong { most: SAMPLE_BYTES };
                return Err(named(long.at(RulePart::Sample)).into());
            }
            for key in test.record.keys() {
                let field = F::from_key(key);
                let known = field.is_some_and(|f| catalog.kind(&f, self.resource).is_some());
                if !known {
                    let unknown = RuleErrorKind::NoField { key: key.clone() };
                    return Err(named(unknown.at(RulePart::Record)).into());
                }
            }
        }
        Ok(())
    }
}

impl<F: TargetField> CompiledMapping<F> {
    /// Runs tests: what the rules make of each sample as a new resource, against what they must.
    pub fn run_tests(
        &self,
        tests: &[MappingTest],
        definition: &ResourceDefinition,
        catalog: &impl FieldCatalog<Field = F>,
        resource: ResourceKind,
    ) -> Vec<TestOutcome> {
        let run = |test: &MappingTest| self.run_test(test, definition, catalog, resource);
        tests.iter().map(run).collect()
    }

    fn run_test(
        &self,
        test: &MappingTest,
        definition: &ResourceDefinition,
        catalog: &impl FieldCatalog<Field = F>,
        resource: ResourceKind,
    ) -> TestOutcome {
        let refused = |reason: String| TestOutcome {
            key: test.key.clone(),
            passed: false,
            refused: Some(reason),
            differences: Vec::new(),
        };
        let sample = Value::Object(test.sample.clone());
        let read = Resource::read(definition, sample, &mut Tolerance::default());
        let mut attributes = match read {
            Ok(read) => read.into_map(),
            Err(error) => return refused(error.detail().to_owned()),
        };
        if resource == ResourceKind::User {
            // As a request that says nothing of it is taken.
            attributes.entry("active").or_insert(Value::Bool(true));
        }
        let projection = self.project(&attributes, Event::Create);
        if let Some(rejection) = projection.rejection() {
            return refused(rejection.to_string());
        }
        let differs = |(key, expected): (&String, &Value)| {
            let field = F::from_key(key)?;
            // A value is expected as the field holds it, however it is written in the test.
            let kind = catalog.kind(&field, resource)?;
            let expected = match expected {
                Value::Null => None,
                value => {
                    Some(convert(&kind, value).map_or_else(|_| value.clone(), |v| v.to_json()))
                }
            };
            let found = projection.record.get(&field).map(FieldValue::to_json);
            (found != expected).then(|| TestDifference {
                field: key.clone(),
                expected,
                found,
            })
        };
        let differences: Vec<_> = test.record.iter().filter_map(differs).collect();
        TestOutcome {
            key: test.key.clone(),
            passed: differences.is_empty(),
            refused: None,
            differences,
        }
    }
}

const TESTS: usize = 100;
const SAMPLE_BYTES: usize = 16 * 1024;
