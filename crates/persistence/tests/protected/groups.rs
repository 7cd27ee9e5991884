//! Groups in which accounts are, and those that confer a right.

use super::*;

pub(super) fn a_group_that_is_deleted_is_released_with_the_members_whom_others_put_there(
    house: &House,
) {
    let ava = house.create("/Users", &user("ava"));
    let group = json!({"schemas": [uri::GROUP], "displayName": "Ops",
        "members": [{"value": ava}]});
    let crew = house.create("/Groups", &group);
    let person = |name: &str, tenant_admin| {
        let input = PersonInput {
            user_name: name.to_owned(),
            email: None,
            tenant_admin,
            role: None,
        };
        house.admin.add_person(&actor(), &input).unwrap()
    };
    let (root, hand) = (person("root", true), person("hand", false));
    for joins in [&root, &hand] {
        house.admin.add_member(&actor(), &crew, joins).unwrap();
    }
    let path = format!("/Groups/{crew}");
    let members = |id: &str| -> Vec<String> {
        let members = house.admin.members(id, None, 10).unwrap().into_iter();
        members.filter_map(|member| member.name).collect()
    };
    let empty = json!({"schemas": [uri::GROUP], "displayName": "Ops"});
    assert_eq!(house.request(Method::Put, &path, &empty).status, 200);
    assert_eq!(members(&crew), ["root", "hand"]);
    assert_eq!(house.get(&path).get("members"), None);
    house.request(Method::Put, &path, &group);
    let before = stored(house, &root);
    let answer = house.request(Method::Delete, &path, &Value::Null);
    assert_eq!(answer.status, 204);
    assert_eq!(house.request(Method::Get, &path, &Value::Null).status, 404);
    assert_eq!(stored(house, &root), before);
    let released = house.admin.group(&crew).unwrap();
    assert_eq!(
        (released.configuration, members(&crew)),
        (None, vec!["root".to_owned(), "hand".to_owned()])
    );
    assert_eq!(released.document, json!({}));
    let warned = EventQuery {
        outcome: Outcome::parse("warning"),
        ..EventQuery::default()
    };
    let told = found(house, warned);
    assert!(told[0].reason.as_deref().unwrap().contains("made by hand"));
    // Its name is free, and nobody is in the group that has it now.
    let again = house.create("/Groups", &empty);
    assert_ne!(again, crew);
    assert_eq!(members(&again), Vec::<String>::new());
    // A group in which nobody else is goes as ever.
    house.request(Method::Delete, &format!("/Groups/{again}"), &Value::Null);
    assert!(house.admin.group(&again).is_err());
}

pub(super) fn a_group_that_confers_an_administrative_right_is_out_of_sight(house: &House) {
    let input = GroupInput {
        name: "Owners".to_owned(),
        confers_admin: true,
    };
    let owners = house.admin.add_group(&actor(), &input).unwrap();
    let unknown = ResourceId::new().to_string();
    let taken = house.request(
        Method::Post,
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "OWNERS"}),
    );
    let other = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Ops"}),
    );
    let ordinary = house.request(
        Method::Post,
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "ops"}),
    );
    assert_eq!((taken.status, &taken.body), (409, &ordinary.body));
    let rename = json!({"schemas": [uri::GROUP], "displayName": "owners"});
    let renamed = house.request(Method::Put, &format!("/Groups/{other}"), &rename);
    assert_eq!(renamed.status, 409);
    for id in [&owners, &unknown] {
        let path = format!("/Groups/{id}");
        for method in [Method::Get, Method::Put, Method::Delete] {
            let answer = house.request(method, &path, &rename);
            assert_eq!(answer.status, 404, "{method:?}");
        }
        let nested = json!({"schemas": [uri::GROUP], "displayName": "x",
            "members": [{"value": id}]});
        assert_eq!(house.request(Method::Post, "/Groups", &nested).status, 400);
    }
    assert_eq!(house.get("/Groups")["totalResults"], 1);
    // Even where a configuration managed it.
    let configuration = house.caller.configuration.id;
    let managed = format!("UPDATE groups SET managed_by = '{configuration}'");
    house.tamper(&managed);
    let before = rows(house, "groups", &format!("id = '{owners}'"));
    assert_eq!(house.get("/Groups")["totalResults"], 1);
    for method in [Method::Get, Method::Put, Method::Delete] {
        let answer = house.request(method, &format!("/Groups/{owners}"), &rename);
        assert_eq!(answer.status, 404, "{method:?}");
    }
    assert!(matches!(
        house.admin.unlink_group(&actor(), &owners),
        Err(AdminError::Protected { kind: "group", .. })
    ));
    assert_eq!(rows(house, "groups", &format!("id = '{owners}'")), before);
    let ava = house.create("/Users", &user("ava"));
    house.admin.add_member(&actor(), &owners, &ava).unwrap();
    let answer = house.request(Method::Get, &format!("/Users/{ava}"), &Value::Null);
    assert_eq!(answer.status, 404, "whoever joins is a tenant admin");
}

/// A tenant admin whom no configuration manages.
fn tenant_admin(house: &House, name: &str) -> String {
    let input = PersonInput {
        user_name: name.to_owned(),
        email: None,
        tenant_admin: true,
        role: None,
    };
    house.admin.add_person(&actor(), &input).unwrap()
}

pub(super) fn a_group_tells_of_the_members_alone_whom_its_configuration_sees(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let board =
        json!({"schemas": [uri::GROUP], "displayName": "Board", "members": [{"value": ava}]});
    let board = house.create("/Groups", &board);
    let path = format!("/Groups/{board}");
    let before = house.get(&path);
    let root = tenant_admin(house, "root");
    house.admin.add_member(&actor(), &board, &root).unwrap();
    assert_eq!(house.get(&path), before, "neither its version nor its time");

    let owners = GroupInput {
        name: "Owners".to_owned(),
        confers_admin: true,
    };
    let owners = house.admin.add_group(&actor(), &owners).unwrap();
    house.admin.add_member(&actor(), &owners, &ava).unwrap();
    let after = house.get(&path);
    assert_eq!(after["members"], Value::Null, "ava is out of sight");
    assert_ne!(after["meta"]["version"], before["meta"]["version"]);
}

/// Whether a group rule that takes groups over by name took one over.
fn adopted(house: &House, name: &str) -> (String, String) {
    let rules = json!({"resource": "group", "rules": house.admin
        .model(house.id_of("Test"), scim_mapping::ResourceKind::Group, scim_admin::VersionChoice::Active)
        .unwrap().groups.rules, "groupRules": [
        {"key": "a", "when": "any", "link": "existingByName"}]});
    let any = scim_admin::mapping::DraftSeen::Any;
    house
        .admin
        .draft_mapping(&actor(), house.id_of("Test"), &rules, "", &any)
        .unwrap();
    let resource = scim_mapping::ResourceKind::Group;
    house
        .admin
        .activate_mapping(&actor(), house.id_of("Test"), resource, &any)
        .unwrap();
    let configuration = house.admin.find_configuration("Test").unwrap();
    let caller = common::caller(configuration.to_provisioning());
    let body = json!({"schemas": [uri::GROUP], "displayName": name}).to_string();
    let request = scim_provisioning::Request {
        method: Method::Post,
        path: "/Groups",
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    let answer = house.provider.answer(&caller, &request);
    let id = answer.document().unwrap()["id"].as_str().map(str::to_owned);
    let outcome = found(house, EventQuery::default())[0].outcome.clone();
    (id.unwrap_or_default(), outcome.as_str().to_owned())
}

pub(super) fn no_rule_takes_over_a_group_with_a_protected_account_in_it(house: &House) {
    let group = |name: &str, confers_admin| {
        let input = GroupInput {
            name: name.to_owned(),
            confers_admin,
        };
        house.admin.add_group(&actor(), &input).unwrap()
    };
    let (plain, mixed, owners) = (
        group("Plain", false),
        group("Mixed", false),
        group("Owners", true),
    );
    let root = tenant_admin(house, "root");
    house.admin.add_member(&actor(), &mixed, &root).unwrap();
    let before = [&mixed, &owners].map(|id| rows(house, "groups", &format!("id = '{id}'")));
    assert_eq!(adopted(house, "plain"), (plain, "success".to_owned()));
    let (made, outcome) = adopted(house, "mixed");
    assert!(made != mixed && !made.is_empty());
    assert_eq!(outcome, "warning");
    assert_eq!(
        adopted(house, "owners"),
        (String::new(), "skipped".to_owned())
    );
    let after = [&mixed, &owners].map(|id| rows(house, "groups", &format!("id = '{id}'")));
    assert_eq!(after, before);
}
