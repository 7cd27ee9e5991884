//! A catalogue that is not ServiceOps': the engine knows nothing of it but what it says of itself.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fmt;

use scim_mapping::{
    CompiledMapping, Event, FieldCatalog, FieldKind, FieldValue, MappingError, MappingSet,
    MappingTest, OwnKind, ResourceKind, Rule, RuleErrorKind, TargetField, ValueError,
    field_changes,
};
use scim_protocol::ResourceDefinition;
use serde_json::{Map, Value, json};

/// The columns of a payroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Column {
    Login,
    Centre,
    Hours,
    Remote,
    Note,
}

const COLUMNS: [(&str, Column); 5] = [
    ("login", Column::Login),
    ("centre", Column::Centre),
    ("hours", Column::Hours),
    ("remote", Column::Remote),
    ("note", Column::Note),
];

impl fmt::Display for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = COLUMNS.iter().find(|(_, column)| column == self);
        formatter.write_str(known.unwrap().0)
    }
}

impl TargetField for Column {
    type Own = CostCentre;
    const RECORDS: &'static str = "payroll";

    fn from_key(key: &str) -> Option<Self> {
        let known = COLUMNS.iter().find(|(known, _)| *known == key);
        known.map(|(_, column)| *column)
    }

    fn unset(&self) -> Option<&'static FieldValue> {
        (*self == Self::Remote).then_some(&FieldValue::Boolean(false))
    }

    fn is_grantable(&self) -> bool {
        *self != Self::Login
    }
}

/// `CC-4130`, of which the record has the number.
#[derive(Debug, Clone, PartialEq)]
struct CostCentre;

impl OwnKind for CostCentre {
    fn convert(&self, value: &Value) -> Result<FieldValue, ValueError> {
        let expected = "cost centre";
        let digits = value.as_str().and_then(|text| text.strip_prefix("CC-"));
        let number = digits.and_then(|digits| digits.parse().ok());
        number
            .map(FieldValue::Integer)
            .ok_or(ValueError::Own { expected })
    }
}

struct Payroll;

impl FieldCatalog for Payroll {
    type Field = Column;

    fn kind(&self, column: &Column, resource: ResourceKind) -> Option<FieldKind<CostCentre>> {
        if resource == ResourceKind::Group {
            return (*column == Column::Note).then_some(FieldKind::LongText);
        }
        Some(match column {
            Column::Login => FieldKind::Text { max: 8 },
            Column::Centre => FieldKind::Reference(CostCentre),
            Column::Hours => FieldKind::Number {
                min: Some(0.0),
                max: Some(60.0),
                integer: false,
            },
            Column::Remote => FieldKind::Boolean,
            Column::Note => FieldKind::LongText,
        })
    }

    fn label(&self, column: &Column) -> String {
        match column {
            Column::Centre => "Cost centre".to_owned(),
            other => other.to_string(),
        }
    }

    fn identity(&self, resource: ResourceKind) -> Option<Column> {
        (resource == ResourceKind::User).then_some(Column::Login)
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn set(rules: Value) -> MappingSet<Column> {
    MappingSet::from_json(&json!({"resource": "user", "rules": rules})).unwrap()
}

fn compile(rules: Value) -> Result<CompiledMapping<Column>, MappingError> {
    set(rules).compile(&ResourceDefinition::user(), &Payroll)
}

fn rules() -> Value {
    json!([
        {"key": "login", "source": {"path": "userName"}, "target": "login", "required": true},
        {"key": "centre", "source": {"path": "title"}, "target": "centre"},
        {"key": "remote", "source": {"path": "active"}, "target": "remote"},
        {"key": "note", "source": {"join": {"separator": " ", "parts": [
            {"path": "field(login)"}, {"path": "field(centre)"}]}}, "target": "note"}
    ])
}

fn refused(rules: Value) -> (RuleErrorKind, String) {
    match compile(rules) {
        Err(MappingError::Rule(error)) => (error.kind.clone(), error.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_resource_becomes_a_record_of_another_catalogue() {
    let mapping = compile(rules()).unwrap();
    let ava = object(json!({"userName": "ava", "title": "CC-4130", "active": true}));
    let projection = mapping.project(&ava, Event::Create);
    assert_eq!(projection.rejection(), None);
    let record = &projection.record;
    assert_eq!(record[&Column::Centre], FieldValue::Integer(4130));
    assert_eq!(record[&Column::Remote], FieldValue::Boolean(true));
    assert_eq!(record[&Column::Note].as_text(), Some("ava 4130"));
}

#[test]
fn messages_name_its_records_and_its_labels() {
    let mapping = compile(rules()).unwrap();
    let ava = object(json!({"userName": "ava", "title": "4130"}));
    let projection = mapping.project(&ava, Event::Create);
    let warnings: Vec<String> = projection.warnings().map(ToString::to_string).collect();
    let expected = "\"title\": no cost centre (payroll field \"Cost centre\", rule 2)";
    assert_eq!(warnings, [expected]);
    let unknown = json!([{"key": "a", "source": {"path": "title"}, "target": "wage"}]);
    let unknown = json!({"resource": "user", "rules": unknown});
    let error = MappingSet::<Column>::from_json(&unknown).unwrap_err();
    assert!(
        error.to_string().contains("\"wage\" is no payroll field"),
        "{error}"
    );
    let (_, text) = refused(json!([
        {"key": "login", "source": {"path": "field(wage)"}, "target": "login", "required": true}
    ]));
    assert!(text.contains("\"wage\" is no payroll field"), "{text}");
}

#[test]
fn it_says_by_which_field_records_are_told_apart() {
    let without = compile(json!([{"key": "n", "source": {"path": "title"}, "target": "note"}]));
    assert_eq!(
        without.unwrap_err(),
        MappingError::Unnamed("login".to_owned())
    );
    // It has no such field for groups, and demands no rule.
    let groups = json!({"resource": "group", "rules": [
        {"key": "n", "source": {"path": "displayName"}, "target": "note"}]});
    let groups: MappingSet<Column> = serde_json::from_value(groups).unwrap();
    assert!(
        groups
            .compile(&ResourceDefinition::group(), &Payroll)
            .is_ok()
    );
    let (kind, _) = refused(json!([
        {"key": "login", "source": {"path": "userName"}, "target": "login", "required": true},
        {"key": "c", "source": {"constant": "4130"}, "target": "centre"}
    ]));
    let expected = "cost centre";
    assert_eq!(kind, RuleErrorKind::Constant(ValueError::Own { expected }));
}

#[test]
fn what_is_the_same_as_nothing_is_no_difference() {
    let mapping = compile(rules()).unwrap();
    let document = object(json!({"userName": "ava"}));
    let mut record = mapping.project(&document, Event::Create).record;
    assert_eq!(mapping.drift(&document, &record), []);
    let before = record.clone();
    record.insert(Column::Remote, FieldValue::Boolean(false));
    assert_eq!(mapping.drift(&document, &record), []);
    assert_eq!(field_changes(&before, &record), []);
    record.insert(Column::Remote, FieldValue::Boolean(true));
    assert_eq!(mapping.drift(&document, &record), [Column::Remote]);
    assert_eq!(mapping.emit(&document, &record)["active"], true);
    assert_eq!(field_changes(&before, &record)[0].field, "remote");
}

#[test]
fn rules_are_written_and_read_back_with_its_fields() {
    let line = "title > trim -> centre when active eq true";
    let rule: Rule<Column> = line.parse().unwrap();
    assert_eq!(rule.target, Column::Centre);
    assert_eq!(rule.to_string(), line);
    assert!("title -> wage".parse::<Rule<Column>>().is_err());
    let one = set(rules());
    let again: MappingSet<Column> = serde_json::from_value(json!(one)).unwrap();
    assert_eq!(one, again);
    assert_eq!(one.differences(&again), []);
    assert_eq!(one.rule_that_gives(&Column::Centre), Some("centre"));
}

#[test]
fn tests_and_previews_are_of_its_fields() {
    let mapping = compile(rules()).unwrap();
    let sample = object(json!({"userName": "ava", "title": "CC-1"}));
    let tests = [("CC-1", true), ("CC-2", false)].map(|(centre, _)| MappingTest {
        key: centre.to_owned(),
        sample: sample.clone(),
        record: object(json!({"centre": centre})),
    });
    let definition = ResourceDefinition::user();
    let outcomes = mapping.run_tests(&tests, &definition, &Payroll, ResourceKind::User);
    let passed: Vec<bool> = outcomes.iter().map(|outcome| outcome.passed).collect();
    assert_eq!(passed, [true, false]);
    let preview = mapping.preview(&sample, Event::Create, None);
    assert_eq!(preview.record["centre"], 1);
    assert_eq!(preview.rules[1].target, "centre");
}

#[test]
fn groups_give_what_it_lets_them_give() {
    let grants = |grants: Value| {
        let document = json!({"resource": "group", "rules": [], "groupRules": [
            {"key": "g", "when": "any", "grants": grants}]});
        let set = MappingSet::<Column>::from_json(&document).unwrap();
        set.compile(&ResourceDefinition::group(), &Payroll)
    };
    let mapping = grants(json!({"fields": {"centre": "CC-7"}})).unwrap();
    let rule = mapping.group_rule("Drivers", None).unwrap();
    assert_eq!(rule.grants(), [("centre".to_owned(), "7".to_owned())]);
    for (refused, key) in [
        (json!({"fields": {"login": "root"}}), "login"),
        (json!({"fields": {"wage": "1"}}), "wage"),
        // A field of ServiceOps alone.
        (json!({"roles": ["Technician"]}), "roles"),
    ] {
        let Err(MappingError::Rule(error)) = grants(refused) else {
            panic!("{key} is granted");
        };
        let key = key.to_owned();
        assert_eq!(error.kind, RuleErrorKind::NotGranted { key });
    }
}
