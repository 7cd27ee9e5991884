//! API keys, and what ends with them and with people.

use scim_provisioning::directory::Status;

use super::{House, actor, now, told};
use crate::account::{Account, PasswordHash, Role};
use crate::api_key::{ApiKey, ApiKeyInput};
use crate::ending;
use crate::error::AdminError;
use crate::people::{PersonChange, PersonInput, PersonUpdate};
use crate::service::Actor;
use crate::session::Session;
use crate::store::{AdminStoreExt, Written};

fn add_key(house: &House, actor: &Actor, name: &str) -> Result<ApiKey, AdminError> {
    let input = ApiKeyInput {
        name,
        role: Role::Administrator,
        scopes: None,
        days: 90,
    };
    house
        .admin
        .add_api_key(actor, &input)
        .map(|issued| issued.key)
}

fn live(house: &House) -> Vec<String> {
    let keys = house.admin.api_keys().unwrap().into_iter();
    keys.filter(|key| key.is_live(now()))
        .map(|key| key.name)
        .collect()
}

/// An account with a session and a key, bound to a person.
fn bound(house: &House) -> (Account, String) {
    let person = PersonInput {
        user_name: "ada@example.com".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let person = house.admin.add_person(&actor(), &person).unwrap();
    let account = Account {
        id: "id of ada".to_owned(),
        name: "ada".to_owned(),
        role: Role::Administrator,
        password: PasswordHash::none(),
        created: now(),
        failures: 0,
        failed: None,
        openid: None,
        person: None,
    };
    let root = Account {
        id: "id of root".to_owned(),
        name: "root".to_owned(),
        ..account.clone()
    };
    let session = Session {
        hash: "session".to_owned(),
        account: account.id.clone(),
        created: now(),
        last_used: now(),
        confirmed: now(),
    };
    let begun = house.store.write(move |rows| {
        rows.insert_account(&root)?;
        rows.insert_account(&account)?;
        rows.insert_session(&session)?;
        Ok(Written::changed((), told("begun")))
    });
    begun.unwrap();
    let account = house.admin.bind_account(&actor(), "ada", &person).unwrap();
    let own = Actor {
        account: Some(account.id.clone()),
        ..actor()
    };
    let key = add_key(house, &own, "hers").unwrap();
    add_key(house, &Actor::of_key(&key, None), "made by hers").unwrap();
    (account, person)
}

#[test]
fn what_a_key_made_ends_with_it_by_however_many_steps() {
    let house = House::new();
    let first = add_key(&house, &actor(), "first").unwrap();
    let second = add_key(&house, &Actor::of_key(&first, None), "second").unwrap();
    add_key(&house, &Actor::of_key(&second, None), "third").unwrap();
    add_key(&house, &actor(), "other").unwrap();
    let configuration = super::input("Okta");
    let by_key = Actor::of_key(&second, None);
    house
        .admin
        .add_configuration(&by_key, &configuration, None)
        .unwrap();
    let made = house.admin.made_by_key("first").unwrap();
    let names: Vec<&str> = made.keys.iter().map(|key| &*key.name).collect();
    assert_eq!((names, made.tokens.len()), (vec!["second", "third"], 1));
    assert_eq!(house.admin.revoke_api_key(&actor(), "first").unwrap(), made);
    assert_eq!(live(&house), ["other"]);
    let token = house.admin.tokens(house.id_of("Okta")).unwrap().remove(0);
    assert!(token.revoked.is_some());
    let audited = house.audited();
    assert_eq!(
        audited.last_chunk(),
        Some(&["api_key.revoked".to_owned(), "token.revoked".to_owned()])
    );
    let again = house.admin.revoke_api_key(&actor(), "first");
    assert!(
        matches!(again, Err(AdminError::NotFound { .. })),
        "{again:?}"
    );
}

#[test]
fn a_token_that_somebody_takes_over_outlives_the_key_that_made_it() {
    let house = House::new();
    let key = add_key(&house, &actor(), "key").unwrap();
    let by_key = Actor::of_key(&key, None);
    house
        .admin
        .add_configuration(&by_key, &super::input("Okta"), None)
        .unwrap();
    let token = house.admin.tokens(house.id_of("Okta")).unwrap().remove(0);
    let end = now() + chrono::Duration::days(200);
    house
        .admin
        .set_token_end(&actor(), house.id_of("Okta"), &token.id, end)
        .unwrap();
    assert!(
        house
            .admin
            .revoke_api_key(&actor(), "key")
            .unwrap()
            .tokens
            .is_empty()
    );
    assert!(house.admin.tokens(house.id_of("Okta")).unwrap()[0].is_live(now()));
}

#[test]
fn a_key_that_was_revoked_makes_nothing_any_more() {
    let house = House::new();
    let key = add_key(&house, &actor(), "key").unwrap();
    let late = Actor::of_key(&key, None);
    house.configuration("Okta");
    house.admin.revoke_api_key(&actor(), "key").unwrap();
    let before = house.audited();
    assert!(matches!(
        add_key(&house, &late, "late"),
        Err(AdminError::Stale)
    ));
    let token = house
        .admin
        .add_token(&late, house.id_of("Okta"), None, None);
    assert!(matches!(token, Err(AdminError::Stale)), "{token:?}");
    let configuration = house
        .admin
        .add_configuration(&late, &super::input("Late"), None);
    assert!(matches!(configuration, Err(AdminError::Stale)));
    assert_eq!(house.audited(), before);
    assert_eq!(house.admin.configurations(None).unwrap().len(), 1);
}

#[test]
fn an_account_ends_with_its_person_and_opens_again_without() {
    let house = House::new();
    let (account, person) = bound(&house);
    house
        .admin
        .change_person(&actor(), &person, PersonChange::Block)
        .unwrap();
    assert!(house.admin.sessions().unwrap().is_empty());
    assert!(live(&house).is_empty());
    let audited = house.audited();
    let end = ["account.ended", "api_key.revoked", "person.blocked"];
    assert!(audited.ends_with(&end.map(str::to_owned)), "{audited:?}");
    let own = Actor {
        account: Some(account.id.clone()),
        ..actor()
    };
    assert!(matches!(
        add_key(&house, &own, "late"),
        Err(AdminError::Stale)
    ));
    let opened = house.admin.unbind_account(&actor(), "ada").unwrap();
    assert!(opened.is_open());
    let again = house.admin.bind_account(&actor(), "ada", &person);
    assert!(matches!(again, Err(AdminError::Invalid(_))), "{again:?}");
    assert!(house.admin.account(&account.id).unwrap().person.is_none());
}

#[test]
fn whoever_holds_nothing_has_nothing_that_ends() {
    let house = House::new();
    let (_, person) = bound(&house);
    let id = person.clone();
    let twice = house.store.write(move |rows| {
        let first = ending::end_accounts_of(rows, &id, now())?;
        let second = ending::end_accounts_of(rows, &id, now())?;
        let nobody = ending::end_accounts_of(rows, "nobody", now())?;
        Ok(Written::Unchanged([
            first.len(),
            second.len(),
            nobody.len(),
        ]))
    });
    assert_eq!(twice.unwrap(), [2, 0, 0]);
    assert_eq!(
        house.admin.sessions().unwrap().len(),
        1,
        "nothing of it stays"
    );
    let still = house.store.write(move |rows| {
        let update = PersonUpdate::Status(Status::Active);
        let changed = rows.update_person(&person, update, now())?;
        Ok(Written::changed(changed, told("touched")))
    });
    assert!(still.unwrap());
    assert_eq!(live(&house).len(), 2);
}

#[test]
fn the_last_administrator_is_bound_to_nobody() {
    let house = House::new();
    let (_, person) = bound(&house);
    let before = house.audited();
    let bound = house.admin.bind_account(&actor(), "root", &person);
    assert!(matches!(bound, Err(AdminError::Invalid(_))), "{bound:?}");
    assert_eq!(house.audited(), before);
}
