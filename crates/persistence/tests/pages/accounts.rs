//! Accounts, sessions and the audit.

use super::*;

pub(super) fn the_last_administrator_stays(house: &House) {
    let add = |name: &str, role| {
        let password = "a long enough pass phrase";
        house
            .admin
            .add_account(&actor(), name, role, password)
            .unwrap()
            .id
    };
    let (one, two) = (add("one", Role::Administrator), add("two", Role::Auditor));
    let last = |done: Result<(), AdminError>| matches!(done, Err(AdminError::Invalid(_)));
    assert!(last(house.admin.delete_account(&actor(), &one)));
    assert!(last(house.admin.set_role(&actor(), &one, Role::Auditor)));
    assert_eq!(house.admin.account(&one).unwrap().role, Role::Administrator);
    house
        .admin
        .set_role(&actor(), &two, Role::Administrator)
        .unwrap();
    house.admin.delete_account(&actor(), &one).unwrap();
    assert!(matches!(
        house.admin.account(&one),
        Err(AdminError::NotFound { .. })
    ));
    // What was refused is not in the audit either.
    let audit = AuditQuery {
        event: Some("account.".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(house.admin.audit(&audit).unwrap().len(), 4);
}

pub(super) fn sessions_are_seen_and_ended(house: &House) {
    let password = "a long enough pass phrase";
    let account = house
        .admin
        .add_account(&actor(), "one", Role::Administrator, password);
    let token = house
        .admin
        .sign_in(&Attempt {
            name: "one",
            password,
            ..Attempt::default()
        })
        .unwrap()
        .session;
    let sessions = house.admin.sessions().unwrap();
    assert_eq!((sessions.len(), sessions[0].1.as_str()), (1, "one"));
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_some()
    );
    house
        .admin
        .revoke_session(&actor(), &sessions[0].0.hash)
        .unwrap();
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_none()
    );
    let token = house
        .admin
        .sign_in(&Attempt {
            name: "one",
            password,
            ..Attempt::default()
        })
        .unwrap()
        .session;
    house
        .admin
        .add_account(&actor(), "two", Role::Administrator, password)
        .unwrap();
    house
        .admin
        .set_role(&actor(), &account.unwrap().id, Role::Auditor)
        .unwrap();
    assert!(
        house
            .admin
            .signed_in(token.reveal(), true)
            .unwrap()
            .is_none()
    );
}

pub(super) fn the_audit_is_found_by_who_what_and_when(house: &House) {
    configuration(&house.admin, "Second");
    house
        .admin
        .exported(&actor(), "log", json!({"rows": 3}))
        .unwrap();
    let by = |query: AuditQuery| {
        house
            .admin
            .audit(&AuditQuery { limit: 10, ..query })
            .unwrap()
            .len()
    };
    assert_eq!(by(AuditQuery::default()), 3);
    assert_eq!(
        by(AuditQuery {
            event: Some("configuration.".to_owned()),
            ..AuditQuery::default()
        }),
        2
    );
    assert_eq!(
        by(AuditQuery {
            actor: Some("nobody".to_owned()),
            ..AuditQuery::default()
        }),
        0
    );
    assert_eq!(
        by(AuditQuery {
            since: Some(Utc::now() + Duration::minutes(1)),
            ..AuditQuery::default()
        }),
        0
    );
    assert_eq!(
        by(AuditQuery {
            until: Some(Utc::now() + Duration::minutes(1)),
            ..AuditQuery::default()
        }),
        3
    );
}
