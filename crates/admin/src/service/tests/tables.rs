//! Lookup tables, and the versions of mappings that come of their changes.

use scim_mapping::{MappingSet, ResourceKind, TableContent};
use serde_json::{Value, json};

use super::{House, actor};
use crate::declaration::{Change, Declaration, Plan};
use crate::error::AdminError;
use crate::item::ItemKind;
use crate::mapping::{DraftSeen, MappingVersion};
use crate::service::declared::Application;
use crate::service::tables::{PutTable, TableSeen};
use crate::service::{Actor, VersionChoice};

const USER: ResourceKind = ResourceKind::User;
const FIRST: &str = "code,department\n100,Sales\n";

impl House {
    fn put(&self, name: &str, csv: &str) -> Result<PutTable, AdminError> {
        let content = TableContent::read_csv(csv)?;
        self.admin
            .put_table(&actor(), name, content, TableSeen::Any)
    }

    /// Has the department of a configuration looked up by a column.
    fn look_up(&self, configuration: &str, column: Option<&str>) -> Result<i64, AdminError> {
        self.look_up_tested(configuration, column, json!([]))
    }

    fn look_up_tested(
        &self,
        configuration: &str,
        column: Option<&str>,
        tests: Value,
    ) -> Result<i64, AdminError> {
        let id = self.id_of(configuration);
        let rules = rules(column, tests);
        let seen = DraftSeen::Any;
        self.admin.draft_mapping(&actor(), id, &rules, "", &seen)?;
        let activated = self.admin.activate_mapping(&actor(), id, USER, &seen)?;
        Ok(activated.version)
    }

    fn in_force(&self, configuration: &str) -> MappingVersion {
        let id = self.id_of(configuration);
        self.admin.mapping(id, USER, VersionChoice::Active).unwrap()
    }

    /// What the rules in force make of a department that is sent.
    fn department(&self, configuration: &str, sent: &str) -> Value {
        let id = self.id_of(configuration);
        let source = self.admin.model(id, USER, VersionChoice::Active).unwrap();
        let model = scim_provisioning::model::Model::compile(&source).unwrap();
        let user = json!({"userName": "u", "title": sent});
        let event = scim_mapping::Event::Create;
        let found = model.user_mapping.project(user.as_object().unwrap(), event);
        let department = found.record.get(&scim_mapping::Field::Department);
        department.map_or(Value::Null, scim_mapping::FieldValue::to_json)
    }

    fn plan_of(&self, document: &Value, prune: bool) -> Result<Plan, AdminError> {
        let declared = Declaration::from_json(document.clone())?;
        self.admin.plan(&actor(), &declared, prune)
    }

    fn declare(&self, document: &Value, prune: bool) -> Result<Plan, AdminError> {
        let applied = Application {
            declared: Declaration::from_json(document.clone())?,
            prune,
            digest: None,
            position: 0,
        };
        self.admin.apply(&Actor::new("test", None), applied)
    }
}

fn rules(column: Option<&str>, tests: Value) -> Value {
    let mut rules = json!(MappingSet::default_user());
    let list = rules["rules"].as_array_mut().unwrap();
    list.retain(|rule| rule["key"] != "department");
    let mut table = json!({"name": "centers", "otherwise": "drop"});
    if let Some(column) = column {
        table["column"] = json!(column);
    }
    list.push(
        json!({"key": "looked_up", "source": {"path": "title"}, "target": "department",
        "transforms": [{ "table": table }]}),
    );
    if tests != json!([]) {
        rules["tests"] = tests;
    }
    rules
}

#[test]
fn a_change_of_a_table_makes_a_version_of_every_mapping_that_uses_it() {
    let house = House::new();
    house.configuration("Entra");
    house.configuration("Okta");
    house.configuration("Other");
    assert_eq!(house.put("centers", FIRST).unwrap().uses, []);
    assert_eq!(house.look_up("Entra", None).unwrap(), 2);
    assert_eq!(house.look_up("Okta", None).unwrap(), 2);
    assert_eq!(house.department("Entra", "100"), "Sales");
    let put = house
        .put("centers", "code,department\n100,Support\n200,IT\n")
        .unwrap();
    assert!(put.changed);
    assert_eq!(put.table.version, 2);
    let told: Vec<_> = put
        .uses
        .iter()
        .map(|one| (&*one.name, one.rules.clone()))
        .collect();
    let rule = vec!["looked_up".to_owned()];
    assert_eq!(told, [("Entra", rule.clone()), ("Okta", rule)]);
    for (name, version) in [("Entra", 3), ("Okta", 3), ("Other", 1)] {
        assert_eq!(house.in_force(name).version, version, "{name}");
    }
    assert_eq!(house.department("Okta", "200"), "IT");
    // The same once more changes nothing.
    let events = house.audited();
    let again = house
        .put("centers", "code,department\n100,Support\n200,IT\n")
        .unwrap();
    assert_eq!((again.changed, again.table.version), (false, 2));
    assert_eq!(house.audited(), events);
    let last = house
        .audit()
        .into_iter()
        .rfind(|entry| entry.event == "table.edited");
    let details = last.unwrap().details;
    let counted = |name: &str| details[name].as_i64().unwrap();
    assert_eq!(
        (
            counted("rowsAdded"),
            counted("rowsRemoved"),
            counted("rowsChanged")
        ),
        (1, 0, 1)
    );
    // Who goes back to a version of the rules goes back to its table.
    let id = house.id_of("Entra");
    house
        .admin
        .roll_back_mapping(&actor(), id, USER, 2)
        .unwrap();
    assert_eq!(house.department("Entra", "100"), "Sales");
    assert_eq!(house.department("Okta", "100"), "Support");
}

#[test]
fn rules_that_do_not_fit_the_tables_there_are_do_not_come_into_force() {
    let house = House::new();
    house.configuration("Okta");
    let missing = house.look_up("Okta", None).unwrap_err().to_string();
    assert!(
        missing.contains("there is no table \"centers\""),
        "{missing}"
    );
    house.put("centers", FIRST).unwrap();
    let draft = house.admin.draft_mapping(
        &actor(),
        house.id_of("Okta"),
        &rules(None, json!([])),
        "",
        &DraftSeen::Any,
    );
    draft.unwrap();
    // The table goes while the draft waits.
    house.store.rows().tables.clear();
    let gone = house
        .admin
        .activate_mapping(&actor(), house.id_of("Okta"), USER, &DraftSeen::Any);
    let gone = gone.unwrap_err().to_string();
    assert!(gone.contains("there is no table \"centers\""), "{gone}");
    assert_eq!(house.in_force("Okta").version, 1);
}

#[test]
fn a_table_that_rules_in_force_do_not_fit_is_refused_and_nothing_changes() {
    let house = House::new();
    house.configuration("Okta");
    house.put("centers", FIRST).unwrap();
    let tests = json!([{"key": "sales", "sample": {"userName": "u", "title": "100"},
        "record": {"department": "Sales"}}]);
    house
        .look_up_tested("Okta", Some("department"), tests)
        .unwrap();
    for (csv, said) in [
        ("code,team\n100,Sales\n", "has no column \"department\""),
        ("code,department\n100,Other\n", "test 1 (sales)"),
    ] {
        let refused = house.put("centers", csv).unwrap_err().to_string();
        assert!(
            refused.contains("\"Okta\"") && refused.contains(said),
            "{refused}"
        );
    }
    assert_eq!(
        house.admin.lookup_table("centers", None).unwrap().version,
        1
    );
    assert_eq!(house.in_force("Okta").version, 2);
}

#[test]
fn a_table_is_changed_by_whoever_saw_it_last_and_deleted_when_no_rule_uses_it() {
    let house = House::new();
    house.configuration("Okta");
    house.put("centers", FIRST).unwrap();
    let put = |seen| {
        let content = TableContent::read_csv("a,b\n1,2\n").unwrap();
        house.admin.put_table(&actor(), "centers", content, seen)
    };
    assert!(matches!(
        put(TableSeen::None),
        Err(AdminError::NameTaken(_))
    ));
    assert!(matches!(put(TableSeen::Version(2)), Err(AdminError::Stale)));
    put(TableSeen::Version(1)).unwrap();
    house.look_up("Okta", None).unwrap();
    let used = house.admin.delete_table(&actor(), "centers").unwrap_err();
    assert!(
        used.to_string().contains("\"looked_up\" of \"Okta\""),
        "{used}"
    );
    let id = house.id_of("Okta");
    house
        .admin
        .roll_back_mapping(&actor(), id, USER, 1)
        .unwrap();
    house.admin.delete_table(&actor(), "centers").unwrap();
    let gone = house.admin.lookup_table("centers", Some(1));
    assert!(matches!(gone, Err(AdminError::NotFound { .. })), "{gone:?}");
    let back = house.admin.roll_back_mapping(&actor(), id, USER, 2);
    assert!(back.is_err(), "its table is gone");
}

#[test]
fn tables_are_exported_planned_and_applied_with_the_rules_that_use_them() {
    let house = House::new();
    house.configuration("Okta");
    house.put("centers", FIRST).unwrap();
    house.look_up("Okta", Some("department")).unwrap();
    let exported = json!(house.admin.export().unwrap());
    assert_eq!(exported["tables"][0]["rows"], json!([["100", "Sales"]]));
    assert_eq!(house.plan_of(&exported, true).unwrap().items, []);
    let other = House::new();
    other.declare(&exported, false).unwrap();
    assert_eq!(json!(other.admin.export().unwrap()), exported);
    assert_eq!(other.department("Okta", "100"), "Sales");

    // Another table under the same rules.
    let changed = json!({"tables": [{"name": "centers", "columns": ["code", "department"],
        "rows": [["100", "Support"]]}]});
    let plan = house.declare(&changed, false).unwrap();
    let told: Vec<_> = plan
        .items
        .iter()
        .map(|item| (item.kind, item.change))
        .collect();
    assert_eq!(told, [(ItemKind::Table, Change::Update)]);
    assert_eq!(plan.items[0].changes[0].member, "rows.100");
    assert_eq!(house.department("Okta", "100"), "Support");

    // A column by another name, with the rules that use it.
    let mut renamed = exported.clone();
    renamed["tables"][0]["columns"][1] = json!("team");
    let refused = house
        .plan_of(&json!({"tables": renamed["tables"]}), false)
        .unwrap_err();
    assert!(refused.to_string().contains("has no column"), "{refused}");
    renamed["configurations"][0]["mappings"]["user"] = rules(Some("team"), json!([]));
    house.declare(&renamed, false).unwrap();
    assert_eq!(house.department("Okta", "100"), "Sales");

    // What rules use stays.
    let refused = house.plan_of(&json!({"tables": []}), true).unwrap_err();
    assert!(refused.to_string().contains("looked_up"), "{refused}");
    let usual = json!({"tables": [], "configurations": [{"name": "Okta",
        "mappings": {"user": MappingSet::default_user()}}]});
    let plan = house.declare(&usual, true).unwrap();
    assert_eq!(plan.items.last().unwrap().change, Change::Delete);
    assert_eq!(house.admin.lookup_tables().unwrap(), []);
}
