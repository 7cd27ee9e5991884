//! Links that wait for an administrator: compared, linked and dismissed.

use scim_admin::account::Role;
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::LinksQuery;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

use super::actions::{done, user};
use super::house::{HOSTILE, House, actor};

#[test]
fn somebody_who_was_there_before_is_linked() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let person = PersonInput {
        user_name: "eve".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let id = house.admin.add_person(&actor(), &person).unwrap();
    assert_eq!(house.scim(Method::Post, "/Users", &user("eve")).status, 409);
    let path = "/users/scim-provisioning/*/links";
    let page = house.ask("GET", &house.path(path), Some(&ada), "").body;
    assert!(page.contains("Link eve"), "{page}");
    let form = link_form(&house);
    let approve = || house.post(&ada, &format!("{path}/approve"), &form);
    assert_eq!(done(&approve()), "linked");
    assert!(house.admin.person(&id).unwrap().person.managed_by.is_some());
    let gone = approve();
    assert_eq!(gone.status, 404);
    assert!(
        gone.body.contains("does not wait any more"),
        "{}",
        gone.body
    );
}

/// What the form of the first link that waits carries.
fn link_form(house: &House) -> String {
    let query = LinksQuery::default();
    let links = house.admin.link_requests(house.configuration, &query);
    let link = links.unwrap().remove(0);
    format!(
        "person={}&link={}&version={}",
        link.person, link.id, link.person_version.0
    )
}

#[test]
fn a_link_is_decided_by_comparison_and_of_what_was_shown_alone() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let person = PersonInput {
        user_name: "eve".to_owned(),
        email: Some("eve@corp.example".to_owned()),
        tenant_admin: false,
        role: None,
    };
    let id = house.admin.add_person(&actor(), &person).unwrap();
    let ask = |body: &Value| assert_eq!(house.scim(Method::Post, "/Users", body).status, 409);
    let other = json!({"schemas": [uri::USER], "userName": "evelyn", "title": HOSTILE,
        "emails": [{"value": "eve@corp.example"}]});
    ask(&user("eve"));
    ask(&other);
    let path = "/users/scim-provisioning/*/links";
    let page = || house.ask("GET", &house.path(path), Some(&ada), "").body;
    let shown = page();
    let at = |text: &str| {
        shown
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {shown}"))
    };
    assert!(
        at("Link eve as eve") < at("Link eve as evelyn"),
        "the strongest first"
    );
    assert!(shown.contains("same <strong>userName</strong>"), "{shown}");
    assert!(shown.contains("same <strong>e-mail address</strong>"));
    let row = "<th scope=\"row\">Logon name</th><td dir=\"auto\" data-label=\"Now\">eve</td>\
               <td dir=\"auto\" data-label=\"Then\"><strong>evelyn</strong></td>";
    assert!(shown.contains(row), "{shown}");
    assert!(!shown.contains("<script>alert"));
    // What is decided is what was shown, or nothing is.
    let form = link_form(&house);
    let block = PersonChange::Block;
    house.admin.change_person(&actor(), &id, block).unwrap();
    let stale = house.post(&ada, &format!("{path}/approve"), &form);
    assert_eq!(stale.status, 409);
    assert!(stale.body.contains("was changed since the page was shown"));
    let person = house.admin.person(&id).unwrap().person;
    assert_eq!(person.managed_by, None);
    let unversioned = format!("person={id}");
    let blind = house.post(&ada, &format!("{path}/approve"), &unversioned);
    assert_eq!(blind.status, 404);
    // A dismissed one goes away, and the other one stays.
    let dismiss = |form: &str| house.post(&ada, &format!("{path}/dismiss"), form);
    let form = link_form(&house);
    assert_eq!(done(&dismiss(&form)), "dismissed");
    assert_eq!(dismiss(&form).status, 404);
    assert!(!page().contains("Link eve as eve\""));
    ask(&user("eve"));
    assert!(
        !page().contains("Link eve as eve\""),
        "the same is sent again"
    );
    assert!(page().contains("Link eve as evelyn"));
    // It is listed, and put back.
    assert!(page().contains("Dismissed links (1)"));
    let query = LinksQuery {
        dismissed: true,
        ..LinksQuery::default()
    };
    let dismissed = house.admin.link_requests(house.configuration, &query);
    let form = format!("link={}", dismissed.unwrap()[0].id);
    let restore = || house.post(&ada, &format!("{path}/restore"), &form);
    assert_eq!(done(&restore()), "restored");
    assert!(page().contains("Link eve as eve\"") && !page().contains("Dismissed links"));
    assert_eq!(restore().status, 404);
}
