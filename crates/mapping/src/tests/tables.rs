use super::*;

const CENTERS: &str = "code,department,floor\n100,Sales,3\nstraße,Roads,\n200,Sales,4\n";

fn table(csv: &str) -> Result<LookupTable, TableError> {
    LookupTable::new("centers", TableContent::read_csv(csv)?)
}

fn catalog(csv: &str) -> Catalog {
    Catalog::default().with_tables(LookupTables::from_iter([table(csv).unwrap()]))
}

fn by_table(transform: Value) -> MappingSet {
    let rule = json!({"key": "a", "source": {"path": "title"}, "target": "department",
        "transforms": [{"table": transform}]});
    let name = json!({"key": "n", "source": {"path": "userName"}, "target": "user_name",
        "required": true});
    serde_json::from_value(json!({"resource": "user", "rules": [name, rule]})).unwrap()
}

fn department(set: &MappingSet, title: &str) -> Option<String> {
    let mapping = set
        .compile(&ResourceDefinition::user(), &catalog(CENTERS))
        .unwrap();
    let user = object(json!({"userName": "u", "title": title}));
    let projection = mapping.project(&user, Event::Create);
    field(&projection.record, &Field::Department)
}

#[test]
fn a_rule_takes_what_stands_beside_a_key_in_its_column() {
    let usual = by_table(json!({"name": "centers", "otherwise": "drop"}));
    assert_eq!(department(&usual, "100").as_deref(), Some("Sales"));
    assert_eq!(department(&usual, "STRASSE").as_deref(), Some("Roads"));
    assert_eq!(department(&usual, "300"), None);
    let floor = |otherwise: Value| {
        by_table(json!({"name": "centers", "column": "FLOOR", "otherwise": otherwise}))
    };
    assert_eq!(
        department(&floor(json!("drop")), "100").as_deref(),
        Some("3")
    );
    // What is empty is as if it were not there.
    assert_eq!(department(&floor(json!("drop")), "straße"), None);
    assert_eq!(
        department(&floor(json!("keep")), "straße").as_deref(),
        Some("straße")
    );
    let other = floor(json!({"value": "ground"}));
    assert_eq!(department(&other, "300").as_deref(), Some("ground"));
}

#[test]
fn a_table_or_column_that_is_not_there_is_refused_at_its_transform() {
    let users = ResourceDefinition::user();
    let refused = |set: MappingSet, catalog: &Catalog| {
        let error = set.compile(&users, catalog).unwrap_err();
        assert_eq!(error.pointer(), "/rules/1/transforms/0");
        error.to_string()
    };
    let usual = by_table(json!({"name": "centers", "otherwise": "drop"}));
    let said = refused(usual, &Catalog::default());
    assert!(said.contains("there is no table \"centers\""), "{said}");
    let lift = by_table(json!({"name": "centers", "column": "lift", "otherwise": "drop"}));
    let said = refused(lift, &catalog(CENTERS));
    assert!(
        said.contains("the table \"centers\" has no column \"lift\""),
        "{said}"
    );
}

#[test]
fn what_a_table_gave_is_shown_where_one_key_alone_gives_it() {
    let set = by_table(json!({"name": "centers", "otherwise": "drop"}));
    let mapping = set
        .compile(&ResourceDefinition::user(), &catalog(CENTERS))
        .unwrap();
    let user = object(json!({"userName": "u", "title": "100"}));
    let by_hand = |department: &str| {
        let mut record = mapping.project(&user, Event::Create).record;
        record.insert(Field::Department, FieldValue::Text(department.into()));
        mapping.emit(&user, &record)["title"].clone()
    };
    assert_eq!(by_hand("Roads"), "straße");
    assert_eq!(
        by_hand("Sales"),
        "100",
        "two keys give it, so that it stays"
    );
    assert_eq!(by_hand("Elsewhere"), "100");
}

#[test]
fn a_set_says_which_rules_use_a_table_wherever_they_name_it() {
    let set = json!({"resource": "group", "rules": [
        {"key": "a", "source": {"path": "displayName"}, "target": "name", "required": true,
            "transforms": [{"table": {"name": "t", "otherwise": "keep"}},
                {"table": {"name": "t", "otherwise": "keep"}}]},
        {"key": "b", "source": {"join": {"separator": "", "parts": [{"path": "externalId",
            "transforms": [{"table": {"name": "u", "otherwise": "keep"}}]}]}},
            "target": "scim_external_id"}],
        "groupRules": [{"key": "c", "when": "any", "link": "create",
            "nameTransforms": [{"table": {"name": "t", "otherwise": "keep"}}]}]});
    let set: MappingSet = serde_json::from_value(set).unwrap();
    let found: Vec<_> = set.tables().into_iter().collect();
    assert_eq!(found, [("t", vec!["a", "c"]), ("u", vec!["b"])]);
}

#[test]
fn tables_that_cannot_be_used_are_refused() {
    let content = TableContent::read_csv(CENTERS).unwrap();
    for name in ["", "Centers", "1a", "a b", &"a".repeat(64)] {
        let refused = LookupTable::new(name, content.clone());
        assert_eq!(refused, Err(TableError::Name), "{name}");
    }
    for (csv, said) in [
        ("", "a table has 2 to 20 columns"),
        ("code\n1\n", "a table has 2 to 20 columns"),
        ("a,A\n", "\"A\" is no title of a column"),
        ("a,\n1,2\n", "\"\" is no title of a column"),
        (
            "a,b\n1,2\n3\n",
            "row 2 has 1 values, and there are 2 columns",
        ),
        ("a,b\n,2\n", "row 1 has nothing in the first column"),
        (
            "a,b\nIT,2\n3,4\nit,5\n",
            "row 3 is about \"it\", as row 1 is",
        ),
    ] {
        let refused = table(csv).unwrap_err().to_string();
        assert!(refused.starts_with(said), "{csv:?}: {refused}");
    }
    let long = table(&format!("a,b\n1,{}\n", "x".repeat(1025))).unwrap_err();
    assert_eq!(long, TableError::Text { row: 1, most: 1024 });
    let many: String = (0..=20_000).map(|at| format!("{at},x\n")).collect();
    let many = table(&format!("a,b\n{many}")).unwrap_err();
    assert_eq!(many, TableError::TooManyRows { most: 20_000 });
    let wide: String = (0..1_100)
        .map(|at| format!("{at},{}\n", "x".repeat(1_000)))
        .collect();
    let wide = table(&format!("a,b\n{wide}")).unwrap_err();
    assert_eq!(wide, TableError::TooLong { most: 1024 * 1024 });
}

#[test]
fn a_table_is_written_and_read_as_csv() {
    let row = |values: [&str; 2]| values.map(str::to_owned).to_vec();
    let content = TableContent {
        columns: row(["code", "name, long"]),
        rows: vec![
            row(["100", "Sales, \"EMEA\""]),
            row(["ü", "x\ny"]),
            row(["-1", "=1+1"]),
        ],
    };
    assert_eq!(TableContent::read_csv(&content.to_csv()), Ok(content));
    // As spreadsheets of other countries write it.
    for csv in [
        "\u{feff}code;name\r\n 100 ; Sales, EMEA\r\n;\r\n",
        "code\tname\n100\tSales, EMEA\n",
        "code,name\n100,\"Sales, EMEA\"\n\n,\n",
    ] {
        let read = TableContent::read_csv(csv).unwrap();
        assert_eq!(read.columns, ["code", "name"], "{csv:?}");
        assert_eq!(read.rows, [["100", "Sales, EMEA"]], "{csv:?}");
    }
}
