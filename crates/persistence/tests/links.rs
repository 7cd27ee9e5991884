//! Users whom an identity provider wants to create, and people who are there already: what an
//! administrator sees and decides, on every engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{House, actor, caller, configuration, found, read_back};
use scim_admin::AdminError;
use scim_admin::event::{AuditQuery, EventQuery};
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::{LinkRequest, LinksQuery};
use scim_protocol::schema::uri;
use scim_provisioning::{ExistingUsers, Method, Request};
use serde_json::{Value, json};

/// A person created by hand.
fn person(house: &House, name: &str) -> String {
    let input = PersonInput {
        user_name: name.to_owned(),
        email: Some(format!("{name}@corp.example")),
        tenant_admin: false,
        role: None,
    };
    house.admin.add_person(&actor(), &input).unwrap()
}

fn user(name: &str, title: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "title": title})
}

/// A create that meets the person.
fn ask(house: &House, body: &Value) {
    assert_eq!(house.request(Method::Post, "/Users", body).status, 409);
}

fn waiting(house: &House) -> Vec<LinkRequest> {
    let query = LinksQuery::default();
    house
        .admin
        .link_requests(house.id_of("Test"), &query)
        .unwrap()
}

fn last_reason(house: &House) -> String {
    found(house, EventQuery::default())
        .remove(0)
        .reason
        .unwrap()
}

fn a_dismissed_link_stays_away_until_other_values_are_sent(house: &House) {
    let eve = person(house, "eve");
    ask(house, &user("eve", "Engineer"));
    let link = waiting(house).remove(0);
    let dismiss = || {
        house
            .admin
            .dismiss_link(&actor(), house.id_of("Test"), &link)
    };
    dismiss().unwrap();
    assert!(waiting(house).is_empty());
    assert_eq!(
        house
            .admin
            .managed_counts(house.scope().configuration())
            .unwrap()
            .links,
        0
    );
    assert!(matches!(dismiss(), Err(AdminError::NotFound { .. })));
    assert!(matches!(
        house
            .admin
            .chosen_link(house.id_of("Test"), &eve, Some(&link.id)),
        Err(AdminError::NotFound { .. })
    ));
    let query = AuditQuery {
        event: Some("link.dismissed".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    let noted = house.admin.audit(&query).unwrap();
    assert_eq!(noted.len(), 1, "once, however often it is tried");
    assert_eq!(noted[0].1.details["person"], json!(eve));
    // The same user asked for again is refused as before, and the log says that it was decided.
    ask(house, &user("Eve", "Engineer"));
    assert_eq!(waiting(house).len(), 1, "userName is written otherwise");
    house
        .admin
        .dismiss_link(&actor(), house.id_of("Test"), &waiting(house)[0])
        .unwrap();
    ask(house, &user("Eve", "Engineer"));
    assert!(waiting(house).is_empty());
    assert!(last_reason(house).contains("decided not to link"));
    // Somebody else who meets the person is somebody else.
    let other = json!({"schemas": [uri::USER], "userName": "evelyn",
        "emails": [{"value": "eve@corp.example"}]});
    ask(house, &other);
    assert_eq!(waiting(house)[0].user_name(), "evelyn");
    ask(house, &user("Eve", "Architect"));
    let names: Vec<_> = waiting(house).into_iter().map(|link| link.id).collect();
    assert_eq!(names.len(), 2);
    assert!(last_reason(house).contains("can link the two"));
}

fn a_person_who_was_changed_since_the_link_was_looked_at_is_not_linked(house: &House) {
    let eve = person(house, "eve");
    ask(house, &user("eve", "Engineer"));
    let seen = waiting(house).remove(0);
    house
        .admin
        .change_person(&actor(), &eve, PersonChange::Block)
        .unwrap();
    let approve = |link| {
        let provider = &house.provider;
        house
            .admin
            .approve_link(&actor(), provider, house.id_of("Test"), link)
    };
    let Err(AdminError::Invalid(said)) = approve(&seen) else {
        panic!("linked as nobody saw her");
    };
    let said = said.to_string();
    assert!(said.contains("was changed since"), "{said}");
    let stored = house.admin.person(&eve).unwrap();
    assert_eq!(stored.person.managed_by, None);
    assert_eq!(waiting(house).len(), 1, "it waits as before");
    approve(&waiting(house)[0]).unwrap();
    let stored = house.admin.person(&eve).unwrap();
    assert!(stored.person.managed_by.is_some());
}

fn the_log_names_the_person_whom_a_create_met(house: &House) {
    let eve = person(house, "eve");
    let body = json!({"schemas": [uri::USER], "userName": "evelyn",
        "emails": [{"value": "eve@corp.example"}]});
    ask(house, &body);
    let said = last_reason(house);
    assert!(said.starts_with(&format!("User \"eve\" ({eve})")), "{said}");
    assert!(said.contains("emails"), "{said}");
}

fn a_person_is_shown_beside_what_linking_would_make_of_them(house: &House) {
    let eve = person(house, "eve");
    house.tamper(&format!(
        "UPDATE users SET job_title = 'Boss', first_name = 'Eve' WHERE id = '{eve}'"
    ));
    let body = json!({"schemas": [uri::USER], "userName": "evelyn", "title": "Engineer",
        "name": {"givenName": "Eve", "familyName": "Lind"}, "displayName": "Eve Lind",
        "emails": [{"value": "eve@corp.example"}]});
    ask(house, &body);
    let links = waiting(house);
    let provider = &house.provider;
    let compare = |links: &[LinkRequest]| {
        let compared = house
            .admin
            .compare_links(provider, house.id_of("Test"), links);
        compared.unwrap().remove(0)
    };
    let compared = compare(&links);
    let changes = json!(compared.changes);
    let change = |field: &str| {
        let mut changes = changes.as_array().unwrap().iter();
        changes.find(|change| change["field"] == field).cloned()
    };
    assert_eq!(change("job_title").unwrap()["old"], "Boss");
    assert_eq!(change("job_title").unwrap()["new"], "Engineer");
    assert_eq!(change("last_name").unwrap()["old"], Value::Null);
    assert_eq!(change("last_name").unwrap()["new"], "Lind");
    assert_eq!(change("first_name"), None, "she has it already");
    let same: Vec<_> = compared.same.iter().map(|(key, _)| key.as_str()).collect();
    assert!(
        same.contains(&"first_name") && same.contains(&"email"),
        "{same:?}"
    );
    // And linking does that.
    house
        .admin
        .approve_link(&actor(), provider, house.id_of("Test"), &links[0])
        .unwrap();
    let fields = house.admin.person(&eve).unwrap().person.fields;
    for change in &compared.changes {
        assert_eq!(fields.get(&change.field), change.new.as_ref(), "{change:?}");
    }
    // Whom somebody manages by now is compared with nobody.
    assert_eq!(compare(&links), scim_provisioning::Comparison::default());
}

fn a_dismissed_link_is_listed_and_put_back(house: &House) {
    let eve = person(house, "eve");
    ask(house, &user("eve", "Engineer"));
    let link = waiting(house).remove(0);
    let dismissed = || {
        let query = LinksQuery {
            dismissed: true,
            ..LinksQuery::default()
        };
        house
            .admin
            .link_requests(house.id_of("Test"), &query)
            .unwrap()
    };
    assert!(dismissed().is_empty());
    let restore = || {
        house
            .admin
            .restore_link(&actor(), house.id_of("Test"), &link)
    };
    assert!(
        matches!(restore(), Err(AdminError::NotFound { .. })),
        "it waits"
    );
    house
        .admin
        .dismiss_link(&actor(), house.id_of("Test"), &link)
        .unwrap();
    let listed = dismissed();
    assert_eq!((listed.len(), &*listed[0].person), (1, &*eve));
    assert!(listed[0].dismissed >= Some(listed[0].at));
    assert_eq!(
        house
            .admin
            .dismissed_link(house.id_of("Test"), &link.id)
            .unwrap(),
        listed[0]
    );
    restore().unwrap();
    assert!(dismissed().is_empty());
    assert_eq!(waiting(house), std::slice::from_ref(&link), "as it was");
    assert!(
        matches!(restore(), Err(AdminError::NotFound { .. })),
        "once"
    );
    let query = AuditQuery {
        event: Some("link.restored".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(house.admin.audit(&query).unwrap().len(), 1);
    // The same sent again waits, as it is not dismissed any more.
    ask(house, &user("eve", "Engineer"));
    assert_eq!(waiting(house).len(), 1);
}

fn everybody_whom_a_create_meets_is_kept_once_by_the_strongest_value(house: &House) {
    let people = ["eve", "bob", "cat"].map(|name| person(house, name));
    let body = json!({"schemas": [uri::USER], "userName": "eve", "emails": [
        {"value": "eve@corp.example"}, {"value": "bob@corp.example"},
        {"value": "cat@corp.example"}, {"value": "nobody@corp.example"}]});
    ask(house, &body);
    let met = |links: &[LinkRequest]| {
        let mut met: Vec<_> = links
            .iter()
            .map(|link| (link.person_name.clone(), link.attribute.clone()))
            .collect();
        met.sort();
        met
    };
    let of = |name: &str, attribute: &str| (name.to_owned(), attribute.to_owned());
    assert_eq!(
        met(&waiting(house)),
        [
            of("bob", "emails"),
            of("cat", "emails"),
            of("eve", "userName")
        ]
    );
    assert!(
        waiting(house)
            .iter()
            .all(|link| people.contains(&link.person))
    );
    // As long as one of them waits, the log says that it can be linked.
    let bob = waiting(house)
        .into_iter()
        .find(|link| link.person_name == "bob");
    house
        .admin
        .dismiss_link(&actor(), house.id_of("Test"), &bob.unwrap())
        .unwrap();
    ask(house, &body);
    assert_eq!(waiting(house).len(), 2);
    assert!(last_reason(house).contains("can link the two"));
    for link in waiting(house) {
        house
            .admin
            .dismiss_link(&actor(), house.id_of("Test"), &link)
            .unwrap();
    }
    ask(house, &body);
    assert!(waiting(house).is_empty());
    assert!(last_reason(house).contains("decided not to link"));
}

fn who_was_linked_without_a_decision_waits_no_longer(house: &House) {
    let eve = person(house, "eve");
    ask(house, &user("eve", "Engineer"));
    ask(
        house,
        &json!({"schemas": [uri::USER], "userName": "evelyn",
            "emails": [{"value": "eve@corp.example"}]}),
    );
    person(house, "max");
    ask(house, &user("max", "Engineer"));
    let counted = || {
        let configuration = house.scope().configuration();
        let counts = house.admin.managed_counts(configuration).unwrap();
        (waiting(house).len(), counts.links)
    };
    assert_eq!(counted(), (3, 3));
    // Somebody else's by now: nothing that this configuration can decide, or is told of.
    let other = configuration(&house.admin, "Other").id;
    house.tamper(&format!(
        "UPDATE users SET managed_by = '{other}' WHERE id = '{eve}'"
    ));
    assert_eq!(counted(), (1, 1));
    house.tamper(&format!(
        "UPDATE users SET managed_by = NULL WHERE id = '{eve}'"
    ));
    assert_eq!(counted(), (3, 3));
    let mut linking = (*house.caller.configuration).clone();
    linking.policies.existing_users = ExistingUsers::Link;
    let body = user("eve", "Engineer").to_string();
    let request = Request {
        method: Method::Post,
        path: "/Users",
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    let linked = house.provider.answer(&caller(linking), &request);
    assert_eq!(read_back(linked).status, 201);
    assert_eq!(counted(), (1, 1));
    // They do not come back with somebody who is created by hand again.
    house
        .admin
        .change_person(&actor(), &eve, PersonChange::Unlink)
        .unwrap();
    assert_eq!(counted(), (1, 1));
}

engines::tests! {
    on_both(House::new):
        a_dismissed_link_stays_away_until_other_values_are_sent,
        a_person_who_was_changed_since_the_link_was_looked_at_is_not_linked,
        the_log_names_the_person_whom_a_create_met,
        a_person_is_shown_beside_what_linking_would_make_of_them,
        a_dismissed_link_is_listed_and_put_back,
        everybody_whom_a_create_meets_is_kept_once_by_the_strongest_value,
        who_was_linked_without_a_decision_waits_no_longer;
}
