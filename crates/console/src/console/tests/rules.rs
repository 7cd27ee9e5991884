//! Rules of a mapping: the picture of them, what is offered while one is written, and on whom it is
//! tried.

use scim_admin::account::Role;
use scim_mapping::ResourceKind;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::json;

use super::super::ConsoleRequest;
use super::super::signing_in::encoded;
use super::house::{House, actor};

const MAPPING: &str = "/users/scim-provisioning/*/mappings/*";

fn page(house: &House, cookie: &str, below: &str, query: &str) -> String {
    let answer = house.console.answer(&ConsoleRequest {
        method: "GET",
        path: &house.path(&format!("{MAPPING}{below}")),
        query,
        cookie: Some(cookie),
        ..ConsoleRequest::default()
    });
    assert_eq!(answer.status, 200, "{below}");
    answer.body
}

/// Has what was received written, so that pages know it.
fn note_what_was_received(house: &House) {
    house.upkeep.run().unwrap();
    let received = house
        .admin
        .received_attributes(house.configuration, ResourceKind::User);
    assert!(!received.unwrap().is_empty());
}

#[test]
fn the_picture_has_a_line_for_every_rule_and_what_has_none_in_sight() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let eve = house.account("eve", Role::Auditor);
    note_what_was_received(&house);
    let floor = scim_mapping::CustomField {
        key: "floor".to_owned(),
        label: "Floor".to_owned(),
        kind: scim_mapping::FieldKind::Boolean,
        required: true,
    };
    house.admin.add_custom_field(&actor(), &floor).unwrap();
    let shown = page(&house, &ada, "", "");
    let base = house.path(MAPPING);
    let opens = format!(
        "<a href=\"/admin{base}/rules/user_name\" data-drawer aria-label=\"Rule 1: userName to Logon name by trim\"><path class=\"hit\" d=\"M0 1C50 1 50 1 100 1\"/>"
    );
    assert!(shown.contains(&opens), "{shown}");
    let rules = shown.matches("data-drawer aria-label=\"Rule ").count();
    let (_, versions) = house
        .admin
        .mappings(house.configuration, ResourceKind::User)
        .unwrap();
    assert_eq!(rules, versions[0].rules.rules.len());
    // The identity provider sends a nickname, which no rule reads; the floor is required.
    assert!(
        shown.contains(&format!("href=\"/admin{base}/new-rule?path=nickName\"")),
        "{shown}"
    );
    let needed = "class=\"missing\"><a href=\"/admin";
    let needed = format!("{needed}{base}/new-rule?target=custom_fields.floor\"");
    assert!(shown.contains(&needed), "{shown}");
    let asked = page(&house, &ada, "/new-rule", "target=custom_fields.floor");
    assert!(
        asked.contains("<option value=\"custom_fields.floor\" selected>"),
        "{asked}"
    );
    let deletes = "form=\"delete-rule\" name=\"key\" value=\"user_name\">Delete</button>";
    assert!(shown.contains(deletes), "{shown}");
    // Auditors are led to the row of the table.
    let seen = page(&house, &eve, "", "");
    assert!(
        seen.contains("<a href=\"#rule-user_name\" aria-label=\"Rule 1:"),
        "{seen}"
    );
    assert!(!seen.contains("/new-rule"), "{seen}");
}

#[test]
fn a_rule_is_offered_what_was_received_what_is_given_before_and_every_transform() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    note_what_was_received(&house);
    let shown = page(&house, &ada, "/rules/first_name", "");
    for offered in [
        "<option value=\"nickName\">1× ",
        "<option value=\"field(user_name)\">Logon name as given before</option>",
        "<option value=\"titleCase\">every word begins in upper case</option>",
    ] {
        assert!(shown.contains(offered), "{offered}: {shown}");
    }
    // No rule reads what itself or a rule behind it gives.
    for given in ["field(first_name)", "field(last_name)"] {
        assert!(!shown.contains(given), "{given}: {shown}");
    }
}

#[test]
fn a_rule_is_tried_on_whoever_is_chosen_with_the_lines_that_were_added() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    for name in ["bo", "bob", "zoe"] {
        let user = json!({"schemas": [uri::USER], "userName": name, "title": format!(" {name} the Great ")});
        assert_eq!(house.scim(Method::Post, "/Users", &user).status, 201);
    }
    let (_, versions) = house
        .admin
        .mappings(house.configuration, ResourceKind::User)
        .unwrap();
    let base = &versions[0].checksum;
    let tried = |more: &str| {
        let form = format!(
            "base={base}&kind=path&apply=always&direction=both&on_error=skipWarn&on_absent=clear\
             &enabled=on&target=job_title&key=job_title&{more}"
        );
        let answer = house.post(&ada, &format!("{MAPPING}/try-rule"), &form);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let (_, region) = answer.body.split_once("<section id=\"tried\"").unwrap();
        let region = region.split("</section>").next().unwrap().to_owned();
        (region, answer.body)
    };
    let (region, _) = tried("source=title&person=BOB");
    assert!(
        region.contains(">bob</strong>") && !region.contains(">bo</strong>"),
        "{region}"
    );
    let (region, _) = tried("source=title&person=oe");
    assert!(region.contains(">zoe</strong>"), "{region}");
    let (region, _) = tried("source=title&person=nobody");
    assert!(
        region.contains("No user of this configuration fits “nobody”"),
        "{region}"
    );
    let (region, shown) = tried(&format!(
        "source=&more_source=title&transforms=trim&more_transforms={}&person=zoe",
        encoded("prefix: \"the \"")
    ));
    assert!(
        region.contains("<strong>the zoe the Great</strong>"),
        "{region}"
    );
    // They are lines like the others then.
    assert!(
        shown.contains(">trim\nprefix: &#34;the &#34;</textarea>"),
        "{shown}"
    );
    let (region, _) = tried("source=title");
    assert_eq!(region.matches("<li>").count(), 3, "{region}");
}
