//! Who is bound to whom.

use super::*;

pub(super) fn a_provider_signs_nobody_in_whose_person_is_not_active(house: &House) {
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

pub(super) fn a_configuration_that_is_deleted_opens_no_account_and_ends_none(house: &House) {
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

pub(super) fn what_the_keys_of_an_account_made_ends_with_them(house: &House) {
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

pub(super) fn one_administrator_stays_who_is_bound_to_nobody(house: &House) {
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

pub(super) fn nobody_is_bound_to_somebody_who_is_not_there_or_not_active(house: &House) {
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

pub(super) fn no_request_takes_over_somebody_with_a_console_account(house: &House) {
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
