use super::*;

fn set(tests: Value) -> MappingSet {
    let mut set = MappingSet::default_user();
    set.tests = serde_json::from_value(tests).unwrap();
    set
}

fn outcomes(tests: Value) -> Vec<TestOutcome> {
    let (set, users) = (set(tests), ResourceDefinition::user());
    let catalog = Catalog::default();
    let mapping = set.compile(&users, &catalog).unwrap();
    mapping.run_tests(&set.tests, &users, &catalog, ResourceKind::User)
}

#[test]
fn a_test_says_which_field_differs() {
    let sample = json!({"userName": "ava", "title": "Lead", "emails": [{"value": "A@X.example"}]});
    let found = outcomes(json!([
        {"key": "right", "sample": sample, "record": {
            // As the field holds it, however it is written; what is not named may be anything.
            "email": "a@X.EXAMPLE", "department": null, "status": "active"}},
        {"key": "wrong", "sample": sample, "record": {
            "job_title": "Head", "department": "IT", "display_name": null}},
        {"key": "refused", "sample": {"title": "Lead"}, "record": {}},
        {"key": "unreadable", "sample": {"userName": "ava", "active": "maybe"}, "record": {}},
    ]));
    assert!(found[0].passed, "{}", found[0]);
    assert_eq!(found[0].error(1), None);
    let error = found[1].error(2).unwrap();
    assert_eq!(error.pointer(), "/tests/1");
    assert_eq!(
        error.to_string(),
        "test 2 (wrong): \"job_title\" is \"Lead\" and must be \"Head\"; \"department\" is nothing \
         and must be \"IT\""
    );
    for (at, number) in [(2, 3), (3, 4)] {
        let error = found[at].error(number).unwrap().to_string();
        assert!(error.contains("the sample is refused"), "{error}");
    }
}

#[test]
fn tests_that_cannot_be_run_are_refused() {
    let test = json!({"key": "a", "sample": {}, "record": {}});
    for (tests, reason, pointer) in [
        (
            json!([{"key": "", "sample": {}, "record": {}}]),
            "a key has",
            "/tests/0/key",
        ),
        (json!([test, test]), "the same key", "/tests/1/key"),
        (
            json!([{"key": "a", "sample": {}, "record": {"members": 1}}]),
            "no field of this record",
            "/tests/0/record",
        ),
        (
            json!([{"key": "a", "sample": {"x": "y".repeat(16 * 1024)}, "record": {}}]),
            "16384 bytes",
            "/tests/0/sample",
        ),
        (json!(vec![test; 101]), "100 tests", "/tests"),
    ] {
        let error = set(tests).compile(&ResourceDefinition::user(), &Catalog::default());
        let error = error.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.pointer(), pointer);
    }
    let unknown = json!({"resource": "user", "rules": [], "tests": [{"key": "a", "more": 1}]});
    let error = MappingSet::<Field>::from_json(&unknown).unwrap_err();
    assert!(error.to_string().starts_with("tests, rule 1"), "{error}");
}

#[test]
fn a_test_that_changes_is_a_difference() {
    let before = set(json!([{"key": "a", "sample": {}, "record": {}}]));
    let after = set(json!([{"key": "a", "sample": {}, "record": {"email": null}}]));
    let differences = before.differences(&after);
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].members, ["record"]);
}
