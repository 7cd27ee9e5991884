//! Managers, whenever they arrive and however they are named.

use super::*;

fn report(name: &str, manager: &str) -> Value {
    json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": name,
        uri::ENTERPRISE_USER: {"manager": {"value": manager}}})
}

fn manager(house: &House, id: &str) -> Option<String> {
    house.admin.person(id).unwrap().person.manager
}

fn reference(user: &Value) -> &Value {
    &user[uri::ENTERPRISE_USER]["manager"]["$ref"]
}

/// Writes that say nothing new of a manager, one of each kind.
fn rewrite(house: &House, id: &str, body: &Value, title: &str) {
    patched(
        house,
        id,
        &json!([{"op": "replace", "path": "title", "value": title}]),
    );
    let mut body = body.clone();
    body["title"] = format!("{title} again").into();
    let answer = house.request(Method::Put, &format!("/Users/{id}"), &body);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

pub(super) fn a_manager_whose_deletion_is_held_or_who_left_stays_the_manager(engine: &Engine) {
    let mut house = House::new(engine);
    with_policies(
        &mut house,
        Policies {
            guard: Guard {
                count: 1,
                percent: 1,
                ..Guard::default()
            },
            ..Policies::default()
        },
    );
    let house = &house;
    let boss = house.create(
        "/Users",
        &json!({"userName": "boss", "externalId": "E1",
        "emails": [{"value": "boss@x.example", "type": "work"}]}),
    );
    let left = house.create("/Users", &user("left"));
    let names = [
        boss.clone(),
        "E1".into(),
        "Boss".into(),
        "BOSS@x.example".into(),
        left.clone(),
    ];
    let reports: Vec<(String, Value)> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let body = report(&format!("report{at}"), name);
            (house.create("/Users", &body), body)
        })
        .collect();
    let managers = || {
        reports
            .iter()
            .map(|(id, _)| manager(house, id))
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = [&boss, &boss, &boss, &boss, &left]
        .map(|id| Some(id.clone()))
        .into();
    assert_eq!(managers(), expected);
    // The first one may leave; the second is held.
    for id in [&left, &boss] {
        let gone = house.request(Method::Delete, &format!("/Users/{id}"), &Value::Null);
        assert_eq!(gone.status, 204);
    }
    assert_eq!(
        (status(house, &left), status(house, &boss)),
        ("archived".into(), "active".into())
    );
    assert_eq!(managers(), expected, "after DELETE");
    for (id, body) in &reports {
        rewrite(house, id, body, "Guide");
    }
    assert_eq!(managers(), expected, "after PATCH and PUT");
    house.tamper("UPDATE users SET first_name = 'Nobody'");
    reapply(house);
    assert_eq!(managers(), expected, "after the rules were applied again");
    // A new report of somebody whose deletion is held has that manager, too.
    let late = house.create("/Users", &report("late", "boss@x.example"));
    assert_eq!(manager(house, &late).as_ref(), Some(&boss));
    house
        .admin
        .decide_held(&actor(), house.id_of("Test"), Which::All, false)
        .unwrap();
    assert_eq!(managers(), expected, "after it was refused");
    // Somebody else, and nobody.
    let operations = json!([{"op": "replace", "path": format!("{}:manager", uri::ENTERPRISE_USER),
        "value": {"value": "late"}}]);
    patched(house, &reports[0].0, &operations);
    assert_eq!(manager(house, &reports[0].0), Some(late));
    patched(
        house,
        &reports[0].0,
        &json!([{"op": "remove",
        "path": format!("{}:manager", uri::ENTERPRISE_USER)}]),
    );
    assert_eq!(manager(house, &reports[0].0), None);
}

pub(super) fn reports_of_one_who_left_go_to_the_one_who_comes_in_the_place(house: &House) {
    let first = house.create("/Users", &json!({"userName": "boss", "externalId": "E1"}));
    let report = house.create("/Users", &report("report", "E1"));
    house.request(Method::Delete, &format!("/Users/{first}"), &Value::Null);
    assert_eq!(manager(house, &report), Some(first.clone()));
    let second = house.create("/Users", &json!({"userName": "boss", "externalId": "E1"}));
    assert_ne!(first, second);
    assert_eq!(manager(house, &report), Some(second));
}

pub(super) fn whoever_came_at_the_same_time_as_the_manager_is_linked_when_the_manager_changes(
    house: &House,
) {
    let boss = house.create("/Users", &user("boss"));
    let ada = house.create("/Users", &report("ada", "boss"));
    assert_eq!(manager(house, &ada).as_ref(), Some(&boss));
    // Neither saw the other.
    house.tamper(&format!(
        "UPDATE users SET manager_id = NULL WHERE id = '{ada}'"
    ));
    assert_eq!(manager(house, &ada), None);
    let title = json!([{"op": "replace", "path": "title", "value": "Chief"}]);
    patched(house, &boss, &title);
    assert_eq!(manager(house, &ada).as_ref(), Some(&boss));
}

pub(super) fn only_a_manager_who_can_be_read_has_a_reference(house: &House) {
    let boss = house.create("/Users", &user("boss"));
    let other = house.create("/Users", &user("other"));
    let created = house
        .request(Method::Post, "/Users", &report("ava", &boss))
        .body
        .unwrap();
    let url = format!("{}/Users/{boss}", common::BASE);
    assert_eq!(reference(&created), &json!(url));
    let id = created["id"].as_str().unwrap();
    let path = format!("/Users/{id}");
    assert_eq!(reference(&house.get(&path)), &json!(url));
    assert_eq!(
        reference(&house.get("/Users?filter=userName%20eq%20%22ava%22")["Resources"][0]),
        &json!(url)
    );
    // What was read is sent back whole.
    let put = house.request(Method::Put, &path, &created).body.unwrap();
    assert_eq!(reference(&put), &json!(url));
    house.request(Method::Delete, &format!("/Users/{boss}"), &Value::Null);
    assert_eq!(reference(&house.get(&path)), &Value::Null);
    assert_eq!(
        house.get(&path)[uri::ENTERPRISE_USER]["manager"]["value"],
        json!(boss)
    );
    for named in [uuid::Uuid::new_v4().to_string(), "other".into()] {
        let body = report("ava", &named);
        let answer = house.request(Method::Put, &path, &body).body.unwrap();
        assert_eq!(reference(&answer), &Value::Null, "{named}");
    }
    let answer = house
        .request(Method::Put, &path, &report("ava", &other))
        .body
        .unwrap();
    assert_eq!(
        reference(&answer),
        &json!(format!("{}/Users/{other}", common::BASE))
    );
}

/// An `externalId` finds nobody's manager where several have it.
pub(super) fn a_repeated_external_id_names_no_manager(house: &House) {
    let boss = json!({"userName": "boss", "externalId": "E"});
    let first = house.create("/Users", &boss);
    let report_of_one = house.create("/Users", &report("one", "E"));
    assert_eq!(manager(house, &report_of_one), Some(first));
    house.create("/Users", &json!({"userName": "other", "externalId": "E"}));
    let report_of_two = house.create("/Users", &report("two", "E"));
    assert_eq!(manager(house, &report_of_two), None);
}
