//! What hangs on a protected account, or on a group that confers an administrative right.

use scim_admin::policy::Which;
use scim_provisioning::Cause;

use super::begun::kept_for;
use super::*;

pub(super) fn what_hangs_on_what_is_protected_stays_as_it_is(house: &mut House) {
    with_policy(house, |policies| {
        policies.guard.count = 1;
        policies.guard.percent = 1;
    });
    let ids = ["ava", "bo", "cy", "dee"].map(|name| house.create("/Users", &user(name)));
    let group = |name: &str, members: &[&String]| {
        let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
        json!({"schemas": [uri::GROUP], "displayName": name, "members": members})
    };
    let own = house.create("/Groups", &group("own", &[&ids[1]]));
    let inner = house.create("/Groups", &group("inner", &[]));
    let outer = house.create("/Groups", &group("outer", &[]));
    end_cycle(house);
    let change = |id: &str, op: &str, member: &str| {
        let members = json!([{"op": op, "path": "members", "value": [{"value": member}]}]);
        let answer = house.request(Method::Patch, &format!("/Groups/{id}"), &patch(&members));
        assert!(answer.status < 300, "{op} {member}");
    };
    change(&own, "add", &ids[0]);
    change(&own, "remove", &ids[1]);
    change(&outer, "add", &inner);
    house.request(Method::Delete, &format!("/Users/{}", ids[2]), &Value::Null);
    house.request(Method::Delete, &format!("/Users/{}", ids[3]), &Value::Null);
    end_cycle(house);
    let run = last_cycle(house);
    for group in [&own, &inner] {
        house.tamper(&format!(
            "UPDATE groups SET confers_admin = 1 WHERE id = '{group}'"
        ));
    }
    // A grant of it that the run gave, and a member whom it awaits since.
    let awaited = "0199aaaa-0000-7000-8000-00000000abcd";
    house.tamper(&format!(
        "INSERT INTO group_grants (group_id, field, value) VALUES ('{own}', 'role', 'Agent')"
    ));
    house.tamper(&format!(
        "INSERT INTO awaited_members (group_id, member_id) VALUES ('{own}', '{awaited}')"
    ));
    for (subject, row) in [
        (
            "group_grant",
            json!({"group": own, "field": "role", "value": "Agent"}),
        ),
        ("awaited_member", json!({"group": own, "member": awaited})),
    ] {
        house.tamper(&format!(
            "INSERT INTO run_images (run, at, subject, resource_id, new) \
             VALUES ('{}', 1, '{subject}', '{own}', '{row}')",
            run.id
        ));
    }
    house.tamper("UPDATE users SET is_tenant_admin = 1 WHERE held = 1");
    let before = dump(house);
    let held = before
        .keys()
        .filter(|about| about.starts_with("held "))
        .count();
    assert!(held > 0, "{before:?}");
    let protected = kept_for(house, &run);
    assert!(
        protected.contains(&Some(Cause::ResourceProtected)),
        "{protected:?}"
    );
    // Whoever is not protected may come back.
    let chosen = Chosen {
        resources: Some(
            [own.clone(), inner.clone()]
                .into_iter()
                .chain(
                    ids[2..]
                        .iter()
                        .filter(|id| before.contains_key(&format!("held {id}")))
                        .cloned(),
                )
                .collect(),
        ),
        ..Chosen::default()
    };
    undo(house, &run, chosen);
    assert_eq!(differences(&before, &dump(house)).join("\n"), "");
    // Nor is held again what was decided of somebody who is protected by now.
    house.tamper("UPDATE users SET is_tenant_admin = 0");
    let configuration = house.caller.configuration.id;
    let decided = house
        .admin
        .decide_held(&actor(), configuration, Which::All, true)
        .unwrap();
    assert!(!decided.is_empty());
    let run = runs(house, RunKind::HeldDecision).swap_remove(0);
    for id in &ids[2..] {
        house.tamper(&format!(
            "UPDATE users SET is_tenant_admin = 1, held = 1 WHERE id = '{id}'"
        ));
    }
    let before = dump(house);
    undo(house, &run, Chosen::default());
    assert_eq!(differences(&before, &dump(house)).join("\n"), "");
}
