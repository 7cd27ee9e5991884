use super::*;

fn lines(import: &Import) -> Vec<String> {
    import.rules.iter().map(Rule::to_string).collect()
}

#[test]
fn expressions_of_entra_become_rules() {
    let mapping = |target: &str, expression: &str| json!({"targetAttributeName": target, "source": {"expression": expression}});
    let document = json!({"synchronizationRules": [{"objectMappings": [
    {"targetObjectName": "Group", "attributeMappings": []},
    {"targetObjectName": "User", "attributeMappings": [
        mapping("userName", "ToLower([userPrincipalName])"),
        mapping("name.givenName", "[givenName]"),
        mapping("displayName", r#"Join(", ", ToUpper([surname]), [givenName])"#),
        mapping(r#"emails[type eq "work"].value"#, "Coalesce([mail], [userPrincipalName])"),
        mapping("title", r#"IIF([userType]="Guest", "External", [jobTitle])"#),
        mapping("active", r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#),
        mapping("preferredLanguage",
            r#"Switch([country], "en", "DE", "de", "AT", "de", "FR", "fr")"#),
        mapping("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            r#"Replace([department], "Dept ", , , "", , )"#),
        mapping("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
            "Mid([employeeId], 1, 3)"),
        mapping("roles", "SingleAppRoleAssignment([appRoleAssignments])"),
        mapping("nickName", "[mailNickname]"),
        mapping("externalId", "Item(Split([objectId], \"-\"), 2"),
    ]}]}]});
    let import = Import::read(ImportFormat::Entra, &document).unwrap();
    assert_eq!(
        lines(&import),
        [
            r#"userName > lower -> user_name ; {"required":true,"onError":"reject","matchRank":1}"#,
            "name.givenName -> first_name",
            r#"join name.familyName > upper, name.givenName with ", " -> display_name"#,
            r#"first of emails[type eq "work"].value, userName -> email"#,
            r#"constant "External" -> job_title when userType eq "Guest""#,
            r#"title -> job_title ; {"key":"job_title_2"}"#,
            concat!(
                r#"addresses[type eq "work"].country > valueMap: {"entries":{"DE":"de","AT":"de","#,
                r#""FR":"fr"},"otherwise":{"value":"en"}} -> language"#
            ),
            concat!(
                r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department > "#,
                r#"replace: {"find":"Dept ","with":""} -> department"#
            ),
            concat!(
                r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber > "#,
                r#"substring: {"start":0,"length":3} -> employee_id"#
            ),
        ]
    );
    let left: Vec<(&str, &str)> = import
        .without_equal
        .iter()
        .map(|one| (one.target.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            (
                "active",
                "it is not known under which name \"IsSoftDeleted\" is sent"
            ),
            ("roles", "there is nothing like SingleAppRoleAssignment"),
            ("nickName", "ServiceOps has no field for the attribute"),
            ("externalId", "it cannot be read"),
        ]
    );
    let set = MappingSet {
        resource: ResourceKind::User,
        rules: import.rules,
        group_rules: Vec::new(),
        tests: Vec::new(),
    };
    let users = ResourceDefinition::user();
    let mapping = set.compile(&users, &Catalog::default()).unwrap();
    let guest = object(json!({"userName": "AVA", "userType": "guest", "title": "Lead"}));
    let record = mapping.project(&guest, Event::Create).record;
    assert_eq!(
        field(&record, &Field::JobTitle).as_deref(),
        Some("External")
    );
    assert_eq!(field(&record, &Field::UserName).as_deref(), Some("ava"));
}

#[test]
fn expressions_of_okta_become_rules() {
    let document = json!({"properties": {
        "userName": {"expression": "user.login", "pushStatus": "PUSH"},
        "displayName": {"expression": "user.lastName + \", \" + user.firstName"},
        "email": {"expression": "String.toLowerCase(user.email)"},
        "title": {"expression":
            "user.title != null && user.department == \"IT\" ? user.title : (user.userType == 'Contractor' ? 'External' : 'Staff')"},
        "department": {"expression": "String.substringBefore(user.department, \"/\")",
            "pushStatus": "DONT_PUSH"},
        "employeeNumber": {"expression": "String.substring(user.employeeNumber, 2, 5)"},
        "city": {"expression": "String.stringSwitch(user.city, \"x\", \"a\", \"b\")"},
        "timezone": {"expression": "user.getInternalProperty(\"id\")"},
    }});
    let import = Import::read(ImportFormat::Okta, &document).unwrap();
    assert_eq!(import.without_equal.len(), 2, "{:?}", import.without_equal);
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(
        lines(&import),
        [
            r#"userName -> user_name ; {"required":true,"onError":"reject","matchRank":1}"#
                .to_owned(),
            r#"join name.familyName, ", ", name.givenName with "" -> display_name"#.to_owned(),
            "emails[primary eq true].value > lower -> email".to_owned(),
            format!("title -> job_title when (title pr) and ({enterprise}:department eq \"IT\")"),
            concat!(
                r#"constant "External" -> job_title when userType eq "Contractor" "#,
                r#"; {"key":"job_title_2"}"#
            )
            .to_owned(),
            r#"constant "Staff" -> job_title ; {"key":"job_title_3"}"#.to_owned(),
            format!(
                "{enterprise}:department > before: \"/\" -> department ; {{\"apply\":\"onCreate\"}}"
            ),
            format!(
                "{enterprise}:employeeNumber > substring: {{\"start\":2,\"length\":3}} -> employee_id"
            ),
        ]
    );
    assert_eq!(
        import.without_equal[0].reason,
        "there is nothing like String.stringSwitch"
    );
}

#[test]
fn dates_and_multiple_values_become_transforms() {
    let flow = |expression: &str| {
        let document = json!([{"targetAttributeName": "title",
            "source": {"expression": expression}}]);
        let import = Import::read(ImportFormat::Entra, &document).unwrap();
        let found = lines(&import).pop();
        found.unwrap_or_else(|| import.without_equal[0].reason.clone())
    };
    for (expression, expected) in [
        (
            r#"FormatDateTime([jobTitle], , "yyyyMMdd", "dd.MM.yyyy")"#,
            r#"title > date: ["%Y%m%d"] > writeDate: {"format":"%d.%m.%Y"} -> job_title"#,
        ),
        (
            r#"FormatDateTime([jobTitle], , "gg", "dd")"#,
            "FormatDateTime is not made of fixed values here",
        ),
        (
            r#"Item(Split([jobTitle], ","), 1)"#,
            r#"title > split: "," > item: 0 -> job_title"#,
        ),
        (
            "PCase(NormalizeDiacritics([jobTitle]))",
            "title > stripDiacritics > titleCase -> job_title",
        ),
        (
            r#"Append([jobTitle], " (x)")"#,
            r#"title > suffix: " (x)" -> job_title"#,
        ),
        (
            r#"Word([jobTitle], 2, " ")"#,
            r#"title > word: {"number":1,"separators":" "} -> job_title"#,
        ),
        ("Now()", "there is nothing like Now"),
        (
            r#"IIF(IsPresent([mail]), , [jobTitle])"#,
            r#"title -> job_title when not (emails[type eq "work"].value pr)"#,
        ),
    ] {
        assert_eq!(flow(expression), expected, "{expression}");
    }
}

#[test]
fn what_is_no_mapping_is_refused_and_nothing_is_too_deep() {
    let error = Import::read(ImportFormat::Okta, &json!({})).unwrap_err();
    assert_eq!(error.to_string(), "the document has no properties");
    let error = Import::read(ImportFormat::Entra, &json!({})).unwrap_err();
    assert_eq!(error.to_string(), "the document has no attributeMappings");
    for expression in [
        "(".repeat(8000),
        "!".repeat(8000),
        "ToLower(".repeat(1000),
        "[".to_owned(),
    ] {
        let document = json!([{"targetAttributeName": "title",
            "source": {"expression": expression}}]);
        let import = Import::read(ImportFormat::Entra, &document).unwrap();
        assert_eq!(import.without_equal[0].reason, "it cannot be read");
    }
}

#[test]
fn a_list_of_what_is_no_mapping_is_none() {
    for document in [
        json!([null, null]),
        json!({"attributeMappings": ["displayName"]}),
    ] {
        let read = Import::read(ImportFormat::Entra, &document);
        assert!(read.is_err(), "{document}: {read:?}");
    }
}

#[test]
fn a_constant_that_its_field_never_takes_has_no_equal() {
    let mapping = |target: &str, expression: &str| json!({"targetAttributeName": target, "source": {"expression": expression}});
    let document = json!([
        mapping("userType", "\"Employee\""),
        mapping("title", "\"Staff\"")
    ]);
    let import = Import::read(ImportFormat::Entra, &document).unwrap();
    assert_eq!(lines(&import), [r#"constant "Staff" -> job_title"#]);
    assert_eq!(
        import.without_equal[0].reason,
        "\"Employee\" does not fit the field \"User Type\": none of requester, technician"
    );
}
