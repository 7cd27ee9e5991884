//! Console accounts, their sessions and devices.

use chrono::Duration;

use super::{House, actor, now, told};
use crate::account::{Account, BoundPerson, OpenIdSubject, PasswordHash, Role};
use crate::error::AdminError;
use crate::service::devices::Attempt;
use crate::session::Session;
use crate::store::{AdminStoreExt, Written};

fn account(house: &House, name: &str, role: Role) -> String {
    let account = Account {
        id: format!("id of {name}"),
        name: name.to_owned(),
        role,
        password: PasswordHash::none(),
        created: now(),
        failures: 0,
        failed: None,
        openid: None,
        person: None,
    };
    insert(house, account)
}

fn insert(house: &House, account: Account) -> String {
    let id = account.id.clone();
    let audit = told("account.created");
    let written = house.store.write(move |rows| {
        rows.insert_account(&account)?;
        Ok(Written::changed((), audit.clone()))
    });
    written.unwrap();
    id
}

fn session(house: &House, account: &str) {
    let session = Session {
        hash: format!("session of {account}"),
        account: account.to_owned(),
        created: now(),
        last_used: now(),
        confirmed: now(),
    };
    let audit = told("session.began");
    let written = house.store.write(move |rows| {
        rows.insert_session(&session)?;
        Ok(Written::changed((), audit.clone()))
    });
    written.unwrap();
}

#[test]
fn the_last_administrator_stays_and_nothing_of_the_attempt_does() {
    let house = House::new();
    let ada = account(&house, "ada", Role::Administrator);
    account(&house, "bea", Role::Auditor);
    session(&house, &ada);
    let before = house.audited();
    let demoted = house.admin.set_role(&actor(), &ada, Role::Auditor);
    assert!(
        matches!(demoted, Err(AdminError::Invalid(_))),
        "{demoted:?}"
    );
    let deleted = house.admin.delete_account(&actor(), &ada);
    assert!(
        matches!(deleted, Err(AdminError::Invalid(_))),
        "{deleted:?}"
    );
    assert_eq!(house.admin.account(&ada).unwrap().role, Role::Administrator);
    assert_eq!(house.admin.sessions().unwrap().len(), 1);
    assert_eq!(house.audited(), before);
}

#[test]
fn an_administrator_of_a_provider_does_not_stand_in_for_one_with_a_password() {
    let house = House::new();
    let ada = account(&house, "ada", Role::Administrator);
    let provider = OpenIdSubject {
        issuer: "https://id.example".to_owned(),
        subject: "bea".to_owned(),
    };
    insert(
        &house,
        Account {
            id: "id of bea".to_owned(),
            name: "bea".to_owned(),
            openid: Some(provider),
            ..house.admin.account(&ada).unwrap()
        },
    );
    assert!(house.admin.delete_account(&actor(), &ada).is_err());
    account(&house, "cleo", Role::Administrator);
    house.admin.delete_account(&actor(), &ada).unwrap();
    assert_eq!(house.audited().last().unwrap(), "account.deleted");
}

#[test]
fn a_role_that_changes_ends_the_sessions() {
    let house = House::new();
    account(&house, "root", Role::Administrator);
    let ada = account(&house, "ada", Role::Administrator);
    session(&house, &ada);
    house.admin.set_role(&actor(), &ada, Role::Auditor).unwrap();
    assert!(house.admin.sessions().unwrap().is_empty());
    assert_eq!(house.audited().last().unwrap(), "account.role_changed");
}

#[test]
fn a_name_is_taken_without_regard_to_case() {
    let house = House::new();
    account(&house, "ada", Role::Administrator);
    let again =
        house
            .admin
            .add_account(&actor(), "ADA", Role::Auditor, "four random words suffice");
    assert!(matches!(again, Err(AdminError::NameTaken(_))), "{again:?}");
}

#[test]
fn only_one_first_account_is_set_up() {
    let house = House::new();
    let password = "four random words suffice";
    house.admin.set_up(None, "ada", password).unwrap();
    let second = house.admin.set_up(None, "bea", password);
    assert!(
        matches!(second, Err(AdminError::NameTaken(_))),
        "{second:?}"
    );
    assert_eq!(house.audited(), ["account.created"]);
}

#[test]
fn nobody_signs_in_to_the_account_of_somebody_who_left() {
    let house = House::new();
    let password = "four random words suffice";
    let ada = house.admin.set_up(None, "ada", password).unwrap();
    let attempt = Attempt {
        name: "ada",
        password,
        ..Attempt::default()
    };
    house.admin.sign_in(&attempt).unwrap();
    let left = BoundPerson {
        id: "somebody".to_owned(),
        user_name: None,
        active: false,
    };
    let bound = insert(
        &house,
        Account {
            id: "bound".to_owned(),
            name: "bea".to_owned(),
            person: Some(left),
            ..ada
        },
    );
    let attempt = Attempt {
        name: "bea",
        ..attempt
    };
    let refused = house.admin.sign_in(&attempt);
    assert!(matches!(refused, Err(AdminError::SignIn)), "{refused:?}");
    // The person may leave between the password and the session.
    let account = house.admin.account(&bound).unwrap();
    let open = Account {
        person: None,
        ..account
    };
    let times = (now(), now());
    let begun = house
        .admin
        .begin(&open, None, times, None, None, "session.began");
    assert!(matches!(begun, Err(AdminError::SignIn)), "{begun:?}");
    assert_eq!(house.audited().last().unwrap(), "session.refused");
}

#[test]
fn a_device_link_is_good_once_and_for_an_hour() {
    let house = House::new();
    account(&house, "ada", Role::Administrator);
    let link = house.admin.device_link(&actor(), "ada").unwrap();
    let (_, name) = house.admin.admit_device(None, link.reveal()).unwrap();
    assert_eq!(name, "ada");
    let again = house.admin.admit_device(None, link.reveal());
    assert!(
        matches!(again, Err(AdminError::NotFound { .. })),
        "{again:?}"
    );
    let link = house.admin.device_link(&actor(), "ada").unwrap();
    let hash = crate::api_key::hash(link.reveal());
    let taken = house
        .store
        .upkeep(move |rows| Ok(rows.take_device_link(&hash)?));
    let mut aged = taken.unwrap().unwrap();
    aged.until -= Duration::hours(1);
    let hash = aged.hash.clone();
    let inserted = house.store.write(move |rows| {
        rows.insert_device_link(&aged)?;
        Ok(Written::changed((), told("aged")))
    });
    inserted.unwrap();
    let late = house.admin.admit_device(None, link.reveal());
    assert!(matches!(late, Err(AdminError::NotFound { .. })), "{late:?}");
    // What was presented is used up, though it was good for nothing.
    let left = house
        .store
        .upkeep(move |rows| Ok(rows.take_device_link(&hash)?));
    assert_eq!(left.unwrap(), None);
}

#[test]
fn what_was_unchanged_leaves_nothing_behind() {
    let house = House::new();
    let ada = account(&house, "ada", Role::Administrator);
    let written = house.store.write(move |rows| {
        rows.delete_account(&ada)?;
        Ok(Written::Unchanged("nothing"))
    });
    assert_eq!(written.unwrap(), "nothing");
    assert_eq!(house.admin.accounts().unwrap().len(), 1);
}
