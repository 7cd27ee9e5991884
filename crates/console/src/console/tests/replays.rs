//! Failed requests that are carried out again from their pages.

use scim_admin::account::Role;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::json;

use super::house::House;
use super::logs::LOGS;

#[test]
fn what_failed_is_replayed_once_nothing_is_in_its_way() {
    let house = House::new();
    let (ada, otto) = (
        house.account("ada", Role::Administrator),
        house.account("otto", Role::Auditor),
    );
    let person = scim_admin::people::PersonInput {
        user_name: "eve".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    house.admin.add_person(&super::actor(), &person).unwrap();
    assert_eq!(house.user("eve").status, 409);
    let entry = format!("{LOGS}/3");
    let page = |path: &str, cookie: &str| house.ask("GET", path, Some(cookie), "").body;
    let button = format!("formaction=\"/admin{entry}/replay\"");
    assert!(page(&entry, &ada).contains(&button));
    assert!(!page(&entry, &otto).contains("Replay"));
    let replay = || house.post(&ada, &format!("{entry}/replay"), "");
    assert_eq!(
        house.post(&otto, &format!("{entry}/replay"), "").status,
        403
    );

    // It fails as it failed before.
    let failed = replay();
    assert_eq!(
        failed.location,
        Some(format!("/admin{LOGS}/4?done=replayed"))
    );
    assert!(page(&format!("{LOGS}/4"), &otto).contains("by <span dir=\"auto\">ada</span> for"));
    let found = house.admin.configuration(house.configuration).unwrap();
    let mut input = scim_admin::ConfigurationInput::of(&found);
    input.policies.existing_users = scim_provisioning::ExistingUsers::Link;
    house
        .admin
        .edit_configuration(&super::actor(), &found, &input)
        .unwrap();
    let set = |status| {
        let found = house.admin.configuration(house.configuration).unwrap();
        let set = house.admin.set_status(&super::actor(), &found, status);
        set.unwrap()
    };
    set(scim_admin::ConfigurationStatus::Disabled);
    let disabled = replay();
    assert_eq!(disabled.status, 422);
    assert!(
        disabled.body.contains("Its configuration is disabled."),
        "{}",
        disabled.body
    );
    assert!(!page(&entry, &ada).contains(&button));
    set(scim_admin::ConfigurationStatus::Enabled);

    let done = replay();
    assert_eq!(done.location, Some(format!("/admin{LOGS}/5?done=replayed")));
    let made = house.admin.event(5).unwrap();
    assert_eq!(
        (made.action.as_str(), made.outcome.as_str()),
        ("link", "success")
    );
    assert!(page(&entry, &ada).contains("Resolved at"));
    let again = replay();
    assert_eq!(again.status, 422);
    assert!(
        again.body.contains("It is resolved; reopen it first."),
        "{}",
        again.body
    );
    // The other failure closed with it, and is older than what was done.
    let other = page(&format!("{LOGS}/4"), &ada);
    assert!(other.contains("a later success"), "{other}");
    house.admin.reopen_event(&super::actor(), 4).unwrap();
    let other = page(&format!("{LOGS}/4"), &ada);
    assert!(
        other.contains("This cannot be replayed: entry 5 of the log changed it later"),
        "{other}"
    );
}

#[test]
fn a_replay_that_changes_nothing_says_so() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let path = format!("/Users/{}", house.person);
    let title = |value: &str| {
        json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "replace", "path": "title", "value": value}]})
    };
    let patched = house.scim(Method::Patch, &path, &title("Boss"));
    assert_eq!(patched.status, 200);
    house.user("bo");
    // As if it had failed before.
    house.tamper("UPDATE provisioning_events SET outcome = 'failure', status = 412 WHERE id = 3");
    let done = house.post(&ada, &format!("{LOGS}/3/replay"), "");
    assert_eq!(done.location, Some(format!("/admin{LOGS}/3?done=unneeded")));
    assert!(house.admin.event(3).unwrap().resolved_at.is_some());
}

#[test]
fn what_a_replay_received_is_counted() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let person = scim_admin::people::PersonInput {
        user_name: "eve".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    house.admin.add_person(&super::actor(), &person).unwrap();
    assert_eq!(house.user("eve").status, 409);
    let received = || {
        house.upkeep.run().unwrap();
        let (configuration, user) = (house.configuration, scim_mapping::ResourceKind::User);
        let all = house.admin.received_attributes(configuration, user);
        let all = all.unwrap();
        let name = all.iter().find(|one| one.path == "userName").unwrap();
        name.count
    };
    let before = received();
    let replayed = house.post(&ada, &format!("{LOGS}/3/replay"), "");
    assert_eq!(replayed.status, 303);
    assert_eq!(received(), before + 1);
}
