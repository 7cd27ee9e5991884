//! Whoever leaves, in whatever way.

use super::*;

fn deactivation() -> Value {
    json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "active", "value": false}]})
}

fn sign_in(house: &House, name: &str) -> Result<String, AdminError> {
    let attempt = Attempt {
        name,
        password: PASSWORD,
        ..Attempt::default()
    };
    let admitted = house.admin.sign_in(&attempt)?;
    Ok(admitted.session.reveal().to_owned())
}

/// Has a change held, and allows it.
fn held(house: &House, id: &str, method: Method, body: &Value) {
    // One may go; the next one is held.
    let caller = with_policies(house, |policies| {
        (policies.guard.count, policies.guard.percent) = (1, 1);
    });
    let other = house.create("/Users", &user("other", true));
    let status = answered(
        house,
        &caller,
        Method::Delete,
        &format!("/Users/{other}"),
        &Value::Null,
    );
    assert_eq!(status, 204);
    let status = answered(house, &caller, method, &format!("/Users/{id}"), body);
    assert!(status < 300);
    let status = &house.admin.person(id).unwrap().person.status;
    assert_eq!(status, "active", "nobody leaves who is held");
    let decided = house
        .admin
        .decide_held(&actor(), house.id_of("Test"), Which::All, true);
    assert_eq!(decided.unwrap().len(), 1);
}

type Way = (&'static str, fn(&House, &str));

/// Every way in which somebody stops being active.
fn ways() -> Vec<Way> {
    vec![
        ("PATCH", |house, id| {
            requested(
                house,
                Method::Patch,
                &format!("/Users/{id}"),
                &deactivation(),
            );
        }),
        ("PUT", |house, id| {
            requested(
                house,
                Method::Put,
                &format!("/Users/{id}"),
                &user("ada", false),
            );
        }),
        ("DELETE", |house, id| {
            requested(house, Method::Delete, &format!("/Users/{id}"), &Value::Null);
        }),
        ("Bulk", |house, id| {
            let operation = json!({"method": "DELETE", "path": format!("/Users/{id}")});
            let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [operation]});
            requested(house, Method::Post, "/Bulk", &body);
        }),
        ("block", |house, id| {
            house
                .admin
                .change_person(&actor(), id, PersonChange::Block)
                .unwrap();
        }),
        ("archive", |house, id| {
            house
                .admin
                .change_person(&actor(), id, PersonChange::Archive)
                .unwrap();
        }),
        ("held PATCH", |house, id| {
            held(house, id, Method::Patch, &deactivation())
        }),
        ("held DELETE", |house, id| {
            held(house, id, Method::Delete, &Value::Null)
        }),
        ("deleted for good", |house, id| {
            // Somebody whose status nobody changed before.
            house.tamper(&format!(
                "UPDATE users SET left_at = 1, purge_at = 1 WHERE id = '{id}'"
            ));
            assert_eq!(house.admin.purge_people(Utc::now(), 10).unwrap(), 1);
        }),
    ]
}

pub(super) fn an_account_ends_with_its_person_in_whatever_way_the_person_leaves(engine: &Engine) {
    for (name, way) in ways() {
        let house = &House::new(engine);
        let ada = account(house, "ada");
        // Called like somebody else, who leaves as well.
        let equal = account(house, "other");
        let id = house.create("/Users", &user("ada", true));
        house.admin.bind_account(&actor(), "ADA", "Ada").unwrap();
        assert_eq!(
            ada.works(house),
            [true; 3],
            "{name}: nothing ends by being bound"
        );
        way(house, &id);
        assert_eq!(ada.works(house), [false; 3], "{name}");
        let refused = sign_in(house, "ada");
        assert!(matches!(refused, Err(AdminError::SignIn)), "{name}");
        assert_eq!(
            equal.works(house),
            [true; 3],
            "{name}: nobody ends by an equal name"
        );
        let ended = told(house, "account.ended");
        assert_eq!(ended.len(), 1, "{name}: {ended:?}");
        assert_eq!((&*ended[0].0, &ended[0].1["user"]), ("ada", &json!(id)));
        let revoked = told(house, "api_key.revoked");
        assert_eq!(revoked.len(), 1, "{name}");
        assert_eq!(revoked[0].1["withAccount"], "ada");
        assert_eq!(house.admin.verify_audit(None).unwrap().fault, None);
    }
}

pub(super) fn an_account_opens_again_when_its_person_comes_back_and_its_keys_do_not(house: &House) {
    let ada = account(house, "ada");
    let id = house.create("/Users", &user("ada", true));
    house.admin.bind_account(&actor(), "ada", &id).unwrap();
    let link = house.admin.device_link(&actor(), "ada").unwrap();
    let path = format!("/Users/{id}");
    requested(house, Method::Patch, &path, &deactivation());
    let wrong = Attempt {
        name: "ada",
        password: "another four random words",
        ..Attempt::default()
    };
    let wrong = house.admin.sign_in(&wrong).unwrap_err().to_string();
    let refused = sign_in(house, "ada").unwrap_err();
    assert_eq!(refused.to_string(), wrong);
    let admitted = house.admin.admit_device(None, link.reveal());
    assert!(matches!(
        admitted,
        Err(AdminError::NotFound { kind: "link", .. })
    ));
    let failures = &house.admin.accounts().unwrap()[0];
    assert_eq!((&*failures.name, failures.failures), ("ada", 2));
    // Nothing new is written of somebody who has left already.
    requested(
        house,
        Method::Patch,
        &path,
        &json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": "Chief"}]}),
    );
    assert_eq!(told(house, "account.ended").len(), 1);
    requested(house, Method::Put, &path, &user("ada", true));
    assert_eq!(ada.works(house), [false; 3]);
    assert!(sign_in(house, "ada").is_ok());
    // A link made while the person is away is good for nothing.
    requested(house, Method::Patch, &path, &deactivation());
    let link = house.admin.device_link(&actor(), "ada").unwrap();
    let admitted = house.admin.admit_device(None, link.reveal());
    assert!(matches!(
        admitted,
        Err(AdminError::NotFound { kind: "link", .. })
    ));
    house.admin.unbind_account(&actor(), "ada").unwrap();
    assert!(sign_in(house, "ada").is_ok());
    // And stays so when the account opens: it was presented.
    let admitted = house.admin.admit_device(None, link.reveal());
    assert!(matches!(
        admitted,
        Err(AdminError::NotFound { kind: "link", .. })
    ));
    let again = house.admin.unbind_account(&actor(), "ada");
    assert!(matches!(again, Err(AdminError::Invalid(_))));
    let events: Vec<_> = told(house, "account.")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(events.iter().all(|name| name == "ada"), "{events:?}");
    assert_eq!(told(house, "account.bound")[0].1["new"], json!(id));
    assert_eq!(told(house, "account.unbound")[0].1["user"], json!(id));
}

pub(super) fn nothing_begins_beside_a_person_who_leaves(house: &House) {
    let ada = account(house, "ada");
    let id = house.create("/Users", &user("ada", true));
    house.admin.bind_account(&actor(), "ada", &id).unwrap();
    let signed_in = who(house, &ada.session);
    let key = house.admin.authenticate_key(&ada.key).unwrap().unwrap();
    requested(
        house,
        Method::Patch,
        &format!("/Users/{id}"),
        &deactivation(),
    );
    // Requests that were let in before.
    // A session begins for an account that is open when its row is locked.
    let account = signed_in.session.account.clone();
    let locked = house.database.write(move |rows| {
        let account = rows.lock_account(&account)?;
        Ok(Written::Unchanged(account))
    });
    assert!(!locked.unwrap().unwrap().is_open());
    let input = ApiKeyInput {
        name: "late",
        role: Role::Auditor,
        scopes: None,
        days: 1,
    };
    for late in [
        Actor::signed_in(&signed_in, None),
        Actor::of_key(&key, None),
    ] {
        let made = house.admin.add_api_key(&late, &input);
        assert!(matches!(made, Err(AdminError::Stale)));
    }
}
