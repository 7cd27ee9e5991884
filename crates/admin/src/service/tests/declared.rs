//! What is configured, as a document.

use scim_feed::{StreamKind, Topic};
use scim_mapping::{CustomField, FieldKind, MappingSet, MappingTest};
use serde_json::{Value, json};

use super::{House, actor, input};
use crate::account::Role;
use crate::api_key::ApiKeyInput;
use crate::declaration::{Change, Declaration, Plan};
use crate::error::AdminError;
use crate::item::ItemKind;
use crate::mapping::DraftSeen;
use crate::service::declared::Application;
use crate::service::streams::StreamInput;
use crate::service::{Actor, VersionChoice};

fn field(key: &str) -> CustomField {
    CustomField {
        key: key.to_owned(),
        label: key.to_uppercase(),
        kind: FieldKind::Text { max: 20 },
        required: false,
    }
}

/// A house with something of each kind.
fn furnished() -> House {
    let house = House::new();
    house
        .admin
        .add_custom_field(&actor(), &field("zone"))
        .unwrap();
    house
        .admin
        .add_custom_field(&actor(), &field("badge"))
        .unwrap();
    let okta = house.configuration("Okta");
    house.configuration("entra");
    let mut rules = MappingSet::default_user();
    rules.rules.pop();
    let (admin, by) = (&house.admin, actor());
    admin
        .draft_mapping(&by, okta.id, &json!(rules), "", &DraftSeen::Any)
        .unwrap();
    admin
        .activate_mapping(
            &by,
            okta.id,
            scim_mapping::ResourceKind::User,
            &DraftSeen::Any,
        )
        .unwrap();
    let stream = StreamInput {
        name: "Mail".to_owned(),
        kind: StreamKind::Read,
        url: None,
        topics: Some(vec![Topic::UserCreated]),
    };
    admin.add_stream(&by, stream, 3).unwrap();
    house
}

impl House {
    fn apply(&self, document: &Value, prune: bool) -> Result<Plan, AdminError> {
        self.apply_as(&actor(), document, prune, None)
    }

    fn apply_as(
        &self,
        actor: &Actor,
        document: &Value,
        prune: bool,
        digest: Option<&str>,
    ) -> Result<Plan, AdminError> {
        let applied = Application {
            declared: Declaration::from_json(document.clone())?,
            prune,
            digest: digest.map(str::to_owned),
            position: 9,
        };
        self.admin.apply(actor, applied)
    }

    fn plan(&self, document: &Value, prune: bool) -> Result<Plan, AdminError> {
        let declared = Declaration::from_json(document.clone())?;
        self.admin.plan(&actor(), &declared, prune)
    }

    fn export(&self) -> Value {
        json!(self.admin.export().unwrap())
    }
}

#[test]
fn an_export_applied_changes_nothing_and_is_the_same_elsewhere() {
    let house = furnished();
    let exported = house.export();
    assert_eq!(house.plan(&exported, true).unwrap().items, []);
    let before = house.audit().len();
    assert_eq!(house.apply(&exported, true).unwrap().items, []);
    assert_eq!(house.audit().len(), before, "nothing was done");
    let other = House::new();
    let done = other.apply(&exported, false).unwrap();
    let kinds: Vec<_> = done.items.iter().map(|item| item.kind).collect();
    use ItemKind::{Configuration, CustomField, Mapping, Stream};
    let expected = [
        CustomField,
        CustomField,
        Configuration,
        Configuration,
        Mapping,
        Stream,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(other.export().to_string(), exported.to_string());
    let expected = [
        "serviceops-scim token add 'entra'",
        "serviceops-scim token add 'Okta'",
        "serviceops-scim stream secret 'Mail'",
    ];
    assert_eq!(done.afterwards, expected);
    let added = other.id_of("okta");
    assert!(other.admin.tokens(added).unwrap().is_empty());
    assert_eq!(other.admin.stream("Mail").unwrap().position, 9);
    assert_eq!(other.apply(&exported, true).unwrap().items, []);
}

#[test]
fn what_is_not_named_stays() {
    let house = furnished();
    let document = json!({"configurations": [
        {"name": "OKTA", "description": "Staff", "policy": {"guard": {"count": 7}}},
    ]});
    let before = house.admin.find_configuration("okta").unwrap();
    let done = house.apply(&document, false).unwrap();
    let members: Vec<_> = done.items[0]
        .changes
        .iter()
        .map(|one| &*one.member)
        .collect();
    assert_eq!(members, ["name", "description", "policy.guard.count"]);
    assert_eq!(done.items[0].changes[2].old, json!(500));
    assert_eq!(done.items.len(), 1);
    let after = house.admin.find_configuration("okta").unwrap();
    assert_eq!((&*after.name, &*after.description), ("OKTA", "Staff"));
    assert_eq!(after.policies.guard.percent, before.policies.guard.percent);
    assert_eq!(after.model, before.model);
    assert_eq!(house.admin.configurations(None).unwrap().len(), 2);
    assert_eq!(house.admin.custom_fields().unwrap().len(), 2);
}

#[test]
fn only_lists_that_are_there_are_pruned() {
    let house = furnished();
    let document = json!({"configurations": [{"name": "okta"}], "customFields": []});
    assert_eq!(house.plan(&document, false).unwrap().deletions(), 0);
    let done = house.apply(&document, true).unwrap();
    let gone = done.items.iter();
    let gone = gone.filter(|item| item.change == Change::Delete);
    let gone: Vec<_> = gone.map(|item| &*item.name).collect();
    assert_eq!(gone, ["entra", "zone", "badge"]);
    assert!(house.admin.find_configuration("entra").is_err());
    assert!(house.admin.custom_fields().unwrap().is_empty());
    assert!(
        house.admin.stream("Mail").is_ok(),
        "of streams nothing was said"
    );
}

#[test]
fn what_cannot_be_is_said_of_its_thing_and_nothing_is_done() {
    let house = furnished();
    let before = house.export();
    for (document, said) in [
        (
            json!({"configurations": [{"name": "New"}, {"name": "Okta", "policy": {"guard": {"percent": 0}}}]}),
            "configuration \"Okta\": policies guard a share of 1 to 100 percent",
        ),
        (
            json!({"configurations": [{"name": "New"}, {"name": "new"}]}),
            "configuration \"new\": it is declared twice",
        ),
        (
            json!({"configurations": [{"name": "New", "policy": {"gard": 1}}]}),
            "configuration \"New\": the policy has no member \"gard\"",
        ),
        (
            json!({"configurations": [{"name": "New", "status": "off"}]}),
            "configuration \"New\": there is no status \"off\"",
        ),
        (
            json!({"configurations": [{"name": "New", "nmae": "x"}]}),
            "configurations[0].nmae: unknown field",
        ),
        (
            json!({"customFields": [{"key": "zone", "label": "Z", "type": "boolean"}]}),
            "custom field \"zone\": a field keeps its type",
        ),
        (
            json!({"customFields": [{"key": "x", "label": "Z", "type": "boolean", "requierd": true}]}),
            "customFields.x: unknown member `requierd`",
        ),
        (
            json!({"streams": [{"name": "Mail"}]}),
            "stream \"Mail\": a stream keeps its kind, its topics and its url",
        ),
        (json!({"version": 2}), "the document has version 2"),
    ] {
        for error in [house.plan(&document, false), house.apply(&document, false)] {
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
    assert_eq!(house.export(), before);
}

#[test]
fn a_field_that_a_rule_writes_is_deleted_with_the_rule_alone() {
    let house = furnished();
    let mut rules = MappingSet::default_user();
    rules.rules.push(scim_mapping::Rule::new(
        scim_mapping::Source::Path("title".to_owned()),
        scim_mapping::Field::Custom("zone".to_owned()),
    ));
    let with = json!({"configurations": [{"name": "Okta", "mappings": {"user": rules}}]});
    house.apply(&with, false).unwrap();
    let pruned = json!({"customFields": []});
    let error = house.apply(&pruned, true).unwrap_err().to_string();
    assert!(
        error.starts_with("custom field \"zone\": the field is written by rule"),
        "{error}"
    );
    let both = json!({"customFields": [], "configurations": [
        {"name": "entra"},
        {"name": "Okta", "mappings": {"user": MappingSet::default_user()}},
    ]});
    house.apply(&both, true).unwrap();
    assert!(house.admin.custom_fields().unwrap().is_empty());
    let id = house.id_of("okta");
    let user = scim_mapping::ResourceKind::User;
    let active = house
        .admin
        .mapping(id, user, VersionChoice::Active)
        .unwrap();
    assert_eq!(active.rules, MappingSet::default_user());
}

#[test]
fn a_plan_is_carried_out_as_it_was_or_not_at_all() {
    let house = furnished();
    let document = json!({"configurations": [{"name": "Okta", "description": "Staff"}]});
    let plan = house.plan(&document, false).unwrap();
    let again = house.plan(&document, false).unwrap();
    assert_eq!(plan.digest, again.digest);
    let stored = house.admin.stored_plan(&plan.digest).unwrap();
    assert_eq!(stored.items, plan.items);
    let okta = house.admin.find_configuration("okta").unwrap();
    let mut meanwhile = input("Okta");
    meanwhile.description = "Someone".to_owned();
    house
        .admin
        .edit_configuration(&actor(), &okta, &meanwhile)
        .unwrap();
    let digest = Some(&*plan.digest);
    let moved = house
        .apply_as(&actor(), &document, false, digest)
        .unwrap_err();
    assert!(matches!(moved, AdminError::PlanMoved { .. }), "{moved}");
    let said = "configuration \"Okta\" moved since the plan was made; plan again";
    assert_eq!(moved.to_string(), said);
    let okta = house.admin.find_configuration("okta").unwrap();
    assert_eq!(okta.description, "Someone");
    let plan = house.plan(&document, false).unwrap();
    let done = house.apply_as(&actor(), &document, false, Some(&*plan.digest));
    assert_eq!(done.unwrap(), plan);
    assert!(house.admin.stored_plan("0").is_err());
}

#[test]
fn a_key_applies_what_its_scopes_allow() {
    let house = furnished();
    let key = ApiKeyInput {
        name: "pipeline",
        role: Role::Administrator,
        scopes: Some(crate::scope::Scopes::parse(["configure"]).unwrap()),
        days: 3,
    };
    let issued = house.admin.add_api_key(&actor(), &key).unwrap();
    let by = Actor::of_key(&issued.key, None);
    let apply = |document: Value, prune| house.apply_as(&by, &document, prune, None);
    apply(
        json!({"configurations": [{"name": "Okta", "description": "x"}]}),
        false,
    )
    .unwrap();
    for (document, scope) in [
        (
            json!({"configurations": [{"name": "Okta", "status": "disabled"}]}),
            "operate",
        ),
        (json!({"streams": [{"name": "New"}]}), "tokens"),
        (json!({"streams": []}), "tokens"),
    ] {
        let refused = apply(document, true).unwrap_err().to_string();
        assert!(
            refused.ends_with(&format!("needs the scope {scope}")),
            "{refused}"
        );
    }
}

#[test]
fn a_key_needs_the_scope_of_every_step() {
    let house = furnished();
    let apply = |name, scopes: &[&str]| {
        let key = ApiKeyInput {
            name,
            role: Role::Administrator,
            scopes: Some(crate::scope::Scopes::parse(scopes.iter().copied()).unwrap()),
            days: 3,
        };
        let issued = house.admin.add_api_key(&actor(), &key).unwrap();
        // The step that needs `operate` comes before the one that needs `tokens`.
        let document = json!({
            "configurations": [{"name": "Okta", "status": "paused"}],
            "streams": [],
        });
        let by = Actor::of_key(&issued.key, None);
        house.apply_as(&by, &document, true, None)
    };
    let before = house.export();
    for (name, scopes, missing) in [
        ("a", &["configure", "operate"], "tokens"),
        ("b", &["configure", "tokens"], "operate"),
    ] {
        let refused = apply(name, scopes).unwrap_err().to_string();
        let said = format!("needs the scope {missing}");
        assert!(refused.ends_with(&said), "{refused}");
        assert_eq!(house.export(), before);
    }
    apply("c", &["configure", "operate", "tokens"]).unwrap();
    assert!(house.admin.streams().unwrap().is_empty());
}

/// A document with these rules for the users of a configuration.
fn with_rules(name: &str, rules: &MappingSet) -> Value {
    json!({"configurations": [{"name": name, "mappings": {"user": rules}}]})
}

fn test_of(key: &str, title: &str) -> MappingTest {
    let document = json!({
        "key": key,
        "sample": {"userName": "ava", "title": title, "emails": [{"value": "ava@example.com"}]},
        "record": {"job_title": "Clerk"},
    });
    serde_json::from_value(document).unwrap()
}

#[test]
fn rules_whose_own_tests_fail_are_not_applied() {
    let house = furnished();
    let mut rules = MappingSet::default_user();
    rules.tests = vec![test_of("clerk", "Clerk"), test_of("cook", "Cook")];
    let before = house.export();
    for name in ["Okta", "New"] {
        let document = with_rules(name, &rules);
        for refused in [house.plan(&document, false), house.apply(&document, false)] {
            let refused = refused.unwrap_err().to_string();
            let said = format!("configuration \"{name}\": ");
            assert!(refused.starts_with(&said), "{refused}");
            assert!(refused.contains("test 2 (cook)"), "{refused}");
        }
    }
    assert_eq!(house.export(), before);
    rules.tests.pop();
    // A test may be about a field that the same document brings.
    rules.rules.push(scim_mapping::Rule::new(
        scim_mapping::Source::Path("title".to_owned()),
        scim_mapping::Field::Custom("desk".to_owned()),
    ));
    let expected = &mut rules.tests[0].record;
    expected.insert("custom_fields.desk".to_owned(), json!("Clerk"));
    let mut document = with_rules("Okta", &rules);
    document["customFields"] = json!([field("desk")]);
    house.apply(&document, false).unwrap();
}

#[test]
fn a_digest_tells_the_order_and_the_tests_of_rules() {
    let house = furnished();
    let plain = MappingSet::default_user();
    let mut ordered = plain.clone();
    ordered.rules.reverse();
    let mut tested = plain.clone();
    tested.tests = vec![test_of("clerk", "Clerk")];
    let mut tested_twice = tested.clone();
    tested_twice.tests.push(test_of("another", "Clerk"));
    let mut tested_in_turn = tested_twice.clone();
    tested_in_turn.tests.reverse();
    let mut tested_otherwise = tested.clone();
    let sample = &mut tested_otherwise.tests[0].sample;
    sample.insert("nickName".to_owned(), json!("av"));
    let all = [
        plain,
        ordered,
        tested,
        tested_twice,
        tested_in_turn,
        tested_otherwise,
    ];
    // Okta has other rules than these, entra those that are usual.
    for name in ["Okta", "entra", "New"] {
        let plans = all
            .iter()
            .map(|rules| house.plan(&with_rules(name, rules), false).unwrap());
        let plans: Vec<_> = plans.collect();
        let digests: std::collections::HashSet<_> =
            plans.iter().map(|plan| plan.digest.clone()).collect();
        assert_eq!(digests.len(), all.len(), "{name}");
        let members = |at: usize| {
            let changes = plans[at].items.iter().flat_map(|item| &item.changes);
            changes.map(|change| &*change.member).collect::<Vec<_>>()
        };
        assert!(members(1).contains(&"order"), "{:?}", members(1));
        assert!(members(2).contains(&"tests.clerk"), "{:?}", members(2));
    }
}

#[test]
fn a_stream_gets_another_secret_as_it_was_found() {
    let house = furnished();
    let stream = house.admin.stream("Mail").unwrap();
    let renewed = house
        .admin
        .renew_stream_key(&actor(), stream.clone())
        .unwrap();
    assert!(renewed.key.reveal().starts_with("sopsfeed_"));
    assert_eq!(renewed.stream.version, stream.version + 1);
    let stale = house.admin.renew_stream_key(&actor(), stream);
    assert!(matches!(stale, Err(AdminError::Stale)), "{stale:?}");
    assert_eq!(house.audit().pop().unwrap().event, "stream.secretRenewed");
}
