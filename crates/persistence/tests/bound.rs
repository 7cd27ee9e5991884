//! A console account ends with the person to whom it is bound, in the transaction in which the person
//! does, and with nobody else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::LazyLock;

use chrono::Utc;
use common::{Engine, House, actor};
use scim_admin::account::{Account, OpenIdSubject, PasswordHash, Role};
use scim_admin::api_key::ApiKeyInput;
use scim_admin::event::{AuditEntry, AuditQuery};
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::session::{Session, SignedIn};
use scim_admin::store::{AdminStoreExt, Written};
use scim_admin::{Actor, AdminError, Attempt, ConfigurationInput};
use scim_protocol::schema::uri;
use scim_provisioning::ExistingUsers;
use scim_provisioning::{Caller, Method, Request};
use serde_json::{Value, json};

const PASSWORD: &str = "four random words suffice";

fn user(name: &str, active: bool) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "active": active})
}

fn deactivation() -> Value {
    json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "active", "value": false}]})
}

/// What an account holds.
struct Held {
    session: String,
    key: String,
    /// A key that the key made.
    made: String,
}

impl Held {
    /// How much of it still works.
    fn works(&self, house: &House) -> [bool; 3] {
        let key = |value: &str| house.admin.authenticate_key(value).unwrap().is_some();
        let session = house.admin.signed_in(&self.session, true).unwrap();
        [session.is_some(), key(&self.key), key(&self.made)]
    }
}

/// Computed once: it takes long.
static HASH: LazyLock<PasswordHash> = LazyLock::new(|| PasswordHash::new(PASSWORD).unwrap());

fn entry(event: &'static str) -> AuditEntry {
    AuditEntry {
        at: Utc::now(),
        actor: "test".to_owned(),
        source: None,
        event: event.into(),
        object: "test".to_owned(),
        configuration: None,
        details: json!({}),
    }
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

fn who(house: &House, session: &str) -> SignedIn {
    house.admin.signed_in(session, true).unwrap().unwrap()
}

fn add_key(house: &House, actor: &Actor, name: &str) -> (scim_admin::api_key::ApiKey, String) {
    let input = ApiKeyInput {
        name,
        role: Role::Administrator,
        scopes: None,
        days: 90,
    };
    let issued = house.admin.add_api_key(actor, &input).unwrap();
    (issued.key, issued.value.reveal().to_owned())
}

fn add_account(house: &House, name: &str, role: Role) -> String {
    let account = Account {
        id: uuid::Uuid::now_v7().to_string(),
        name: name.to_owned(),
        role,
        password: HASH.clone(),
        created: Utc::now(),
        failures: 0,
        failed: None,
        openid: None,
        person: None,
    };
    let told = entry("created");
    let id = account.id.clone();
    house
        .database
        .write(move |rows| {
            rows.insert_account(&account)?;
            Ok(Written::changed((), told.clone()))
        })
        .unwrap();
    id
}

/// An administrator who is signed in and has keys; somebody else administers as well.
fn account(house: &House, name: &str) -> Held {
    if house.admin.accounts().unwrap().is_empty() {
        add_account(house, "root", Role::Administrator);
    }
    let id = add_account(house, name, Role::Administrator);
    let (value, now) = (format!("session of {name}"), Utc::now());
    let session = Session {
        hash: scim_admin::api_key::hash(&value),
        account: id,
        created: now,
        last_used: now,
        confirmed: now,
    };
    let told = entry("signed in");
    house
        .database
        .write(move |rows| {
            rows.insert_session(&session)?;
            Ok(Written::changed((), told.clone()))
        })
        .unwrap();
    let own = Actor::signed_in(&who(house, &value), None);
    let (key, own_key) = add_key(house, &own, &format!("key of {name}"));
    let of_key = Actor::of_key(&key, None);
    let (_, made) = add_key(house, &of_key, &format!("made for {name}"));
    Held {
        session: value,
        key: own_key,
        made,
    }
}

/// What the audit says of an event, the oldest first: about what, with what details.
fn told(house: &House, event: &str) -> Vec<(String, Value)> {
    let query = AuditQuery {
        event: Some(event.to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    let entries = house.admin.audit(&query).unwrap().into_iter().rev();
    entries
        .map(|(_, entry)| (entry.object, entry.details))
        .collect()
}

fn requested(house: &House, method: Method, path: &str, body: &Value) {
    let answer = house.request(method, path, body);
    assert!(answer.status < 300, "{path}: {:?}", answer.body);
}

/// The caller of the configuration after a change of its policies.
fn with_policies(house: &House, change: fn(&mut scim_provisioning::Policies)) -> Caller {
    let seen = house.admin.find_configuration("Test").unwrap();
    let mut input = ConfigurationInput::of(&seen);
    change(&mut input.policies);
    let edited = house.admin.edit_configuration(&actor(), &seen, &input);
    common::caller(edited.unwrap().to_provisioning())
}

fn answered(house: &House, caller: &Caller, method: Method, path: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let request = Request {
        method,
        path,
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    house.provider.answer(caller, &request).status
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

fn an_account_ends_with_its_person_in_whatever_way_the_person_leaves(engine: &Engine) {
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

fn an_account_opens_again_when_its_person_comes_back_and_its_keys_do_not(house: &House) {
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

fn a_provider_signs_nobody_in_whose_person_is_not_active(house: &House) {
    add_account(house, "root", Role::Administrator);
    let who = OpenIdSubject {
        issuer: "https://id.example".to_owned(),
        subject: "1".to_owned(),
    };
    let by_openid = || {
        house
            .admin
            .sign_in_by_openid(None, &who, "ada", Role::Auditor, None)
    };
    let session = by_openid().unwrap();
    let id = house.create("/Users", &user("someone", true));
    house
        .admin
        .bind_account(&actor(), "ada", "someone")
        .unwrap();
    requested(house, Method::Delete, &format!("/Users/{id}"), &Value::Null);
    assert!(
        house
            .admin
            .signed_in(session.reveal(), true)
            .unwrap()
            .is_none()
    );
    assert!(matches!(by_openid(), Err(AdminError::SignIn)));
    // Who is deleted for good leaves the account bound, and closed.
    house.tamper("UPDATE users SET purge_at = 1");
    assert_eq!(house.admin.purge_people(Utc::now(), 10).unwrap(), 1);
    assert!(matches!(by_openid(), Err(AdminError::SignIn)));
    let accounts = house.admin.accounts().unwrap();
    let person = accounts[0].person.as_ref().unwrap();
    assert_eq!(
        (&person.id, &person.user_name, person.active),
        (&id, &None, false)
    );
    house.admin.unbind_account(&actor(), "ada").unwrap();
    by_openid().unwrap();
}

fn a_configuration_that_is_deleted_opens_no_account_and_ends_none(house: &House) {
    let (ada, eve) = (account(house, "ada"), account(house, "eve"));
    let [one, two] = ["one", "two"].map(|name| house.create("/Users", &user(name, true)));
    house.admin.bind_account(&actor(), "ada", &one).unwrap();
    house.admin.bind_account(&actor(), "eve", &two).unwrap();
    requested(
        house,
        Method::Delete,
        &format!("/Users/{one}"),
        &Value::Null,
    );
    house
        .admin
        .delete_configuration(&actor(), house.id_of("Test"))
        .unwrap();
    assert_eq!(ada.works(house), [false; 3]);
    assert_eq!(eve.works(house), [true; 3]);
}

fn what_the_keys_of_an_account_made_ends_with_them(house: &House) {
    let ada = account(house, "ada");
    let key = house.admin.authenticate_key(&ada.made).unwrap().unwrap();
    let token = house
        .admin
        .add_token(&Actor::of_key(&key, None), house.id_of("Test"), None, None)
        .unwrap();
    let id = house.create("/Users", &user("ada", true));
    house.admin.bind_account(&actor(), "ada", &id).unwrap();
    requested(house, Method::Delete, &format!("/Users/{id}"), &Value::Null);
    let tokens = house.admin.tokens(house.id_of("Test")).unwrap();
    let live = |id: &str| {
        let token = tokens.iter().find(|token| token.id == id);
        token.unwrap().is_live(Utc::now())
    };
    assert!(!live(&token.token.id));
    assert_eq!(tokens.iter().filter(|token| live(&token.id)).count(), 1);
    assert_eq!(
        told(house, "token.revoked")[0].1["token"],
        json!(token.token.id)
    );
}

fn one_administrator_stays_who_is_bound_to_nobody(house: &House) {
    add_account(house, "root", Role::Administrator);
    let id = house.create("/Users", &user("root", true));
    let bind = |name: &str| house.admin.bind_account(&actor(), name, &id);
    assert!(
        matches!(bind("root"), Err(AdminError::Invalid(_))),
        "the only one"
    );
    add_account(house, "otto", Role::Auditor);
    bind("otto").unwrap();
    assert!(
        matches!(bind("root"), Err(AdminError::Invalid(_))),
        "beside an auditor"
    );
    add_account(house, "ada", Role::Administrator);
    bind("root").unwrap();
    assert!(
        matches!(bind("ada"), Err(AdminError::Invalid(_))),
        "the last one"
    );
    let ada = house.admin.accounts().unwrap().remove(0);
    assert_eq!((&*ada.name, &ada.person), ("ada", &None));
    // Nor does the last one go who is bound to nobody.
    let role = house.admin.set_role(&actor(), &ada.id, Role::Auditor);
    assert!(matches!(role, Err(AdminError::Invalid(_))));
    let gone = house.admin.delete_account(&actor(), &ada.id);
    assert!(matches!(gone, Err(AdminError::Invalid(_))));
    assert_eq!(
        told(house, "account.bound").len(),
        2,
        "nothing is told of what was refused"
    );
}

fn nobody_is_bound_to_somebody_who_is_not_there_or_not_active(house: &House) {
    account(house, "ada");
    let id = house.create("/Users", &user("gone", false));
    let bind = |person: &str| house.admin.bind_account(&actor(), "ada", person);
    assert!(matches!(bind("gone"), Err(AdminError::Invalid(_))));
    assert!(matches!(bind(&id), Err(AdminError::Invalid(_))));
    // A part of a name is nobody's.
    for nobody in ["gon", "", "%", "00000000-0000-4000-8000-000000000000"] {
        assert!(matches!(
            bind(nobody),
            Err(AdminError::NotFound { kind: "user", .. })
        ));
    }
    let stranger = house.admin.bind_account(&actor(), "nobody", &id);
    assert!(matches!(
        stranger,
        Err(AdminError::NotFound {
            kind: "account",
            ..
        })
    ));
}

fn no_request_takes_over_somebody_with_a_console_account(house: &House) {
    let ada = account(house, "ada");
    let input = PersonInput {
        user_name: "hand".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let hand = house.admin.add_person(&actor(), &input).unwrap();
    let post =
        |caller: &Caller| answered(house, caller, Method::Post, "/Users", &user("hand", false));
    assert_eq!(post(&house.caller), 409);
    let waiting = house
        .admin
        .link_requests(house.id_of("Test"), &LinksQuery::default())
        .unwrap();
    house.admin.bind_account(&actor(), "ada", &hand).unwrap();
    let approved =
        house
            .admin
            .approve_link(&actor(), &house.provider, house.id_of("Test"), &waiting[0]);
    assert!(approved.is_err());
    let caller = with_policies(house, |policies| {
        policies.existing_users = ExistingUsers::Link;
    });
    assert_eq!(post(&caller), 409);
    assert_eq!(ada.works(house), [true; 3]);
    house.admin.unbind_account(&actor(), "ada").unwrap();
    assert_eq!(post(&caller), 201);
}

fn nothing_begins_beside_a_person_who_leaves(house: &House) {
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

engines::tests! {
    on_both(House::new):
        an_account_opens_again_when_its_person_comes_back_and_its_keys_do_not,
        a_provider_signs_nobody_in_whose_person_is_not_active,
        a_configuration_that_is_deleted_opens_no_account_and_ends_none,
        what_the_keys_of_an_account_made_ends_with_them,
        one_administrator_stays_who_is_bound_to_nobody,
        nobody_is_bound_to_somebody_who_is_not_there_or_not_active,
        no_request_takes_over_somebody_with_a_console_account,
        nothing_begins_beside_a_person_who_leaves;
    on_both(Engine::clone):
        an_account_ends_with_its_person_in_whatever_way_the_person_leaves;
}
