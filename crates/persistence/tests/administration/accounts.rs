//! Accounts, sessions and keys.

use super::*;

fn session(account: &str, minutes: i64) -> Session {
    let used = now() - Duration::minutes(minutes);
    Session {
        hash: format!("{account} {minutes}"),
        account: format!("id of {account}"),
        created: used,
        last_used: used,
        confirmed: used,
    }
}

pub(super) fn a_write_leaves_its_entry_and_one_that_fails_or_changes_nothing_leaves_nothing(
    house: &Empty,
) {
    house
        .write(|rows| rows.insert_account(&account("ada")))
        .unwrap();
    let unchanged = house.store.write(|rows| {
        rows.insert_account(&account("bea"))?;
        Ok(Written::Unchanged(7))
    });
    assert_eq!(unchanged.unwrap(), 7);
    let failed: Result<(), _> = house.store.write(|rows| {
        rows.insert_account(&account("cleo"))?;
        Err(AdminError::SignIn)
    });
    assert!(matches!(failed, Err(AdminError::SignIn)));
    assert_eq!(house.accounts().len(), 1);
    assert_eq!(house.audited(), ["written"]);
    let head = house.store.read(|rows| Ok(rows.audit_head()?)).unwrap();
    let links = house.store.read(|rows| Ok(rows.audit_links(0, 10)?));
    let links = links.unwrap();
    assert_eq!((links.len(), head.length), (1, 1));
    assert_eq!(links[0].hash.as_ref(), Some(&head.hash));
    assert_eq!(head.hash, links[0].entry.hash_after(""));
}

pub(super) fn accounts_have_names_of_their_own_without_regard_to_case(house: &Empty) {
    for name in ["bea", "Ada"] {
        house
            .write(move |rows| rows.insert_account(&account(name)))
            .unwrap();
    }
    let again = house.write(|rows| rows.insert_account(&account("ADA")));
    assert!(is_conflict(&again), "{again:?}");
    let names: Vec<_> = house.accounts().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["Ada", "bea"]);
    let gone = house.write(|rows| rows.set_account_role("nobody", Role::Auditor));
    assert!(is_stale(&gone), "{gone:?}");
    let at = now();
    house
        .write(move |rows| {
            rows.count_account_failure("id of bea", at)?;
            rows.count_account_failure("id of bea", at)?;
            rows.set_account_role("id of bea", Role::Auditor)
        })
        .unwrap();
    let bea = &house.accounts()[1];
    assert_eq!(
        (bea.failures, bea.failed, bea.role),
        (2, Some(at), Role::Auditor)
    );
    let password = PasswordHash("another".to_owned());
    house
        .write(move |rows| rows.set_account_password("id of bea", &password))
        .unwrap();
    let bea = &house.accounts()[1];
    assert_eq!((bea.failures, bea.failed), (0, None));
}

pub(super) fn what_hangs_on_an_account_goes_with_it(house: &Empty) {
    let link = DeviceLink {
        hash: "link".to_owned(),
        account: "id of ada".to_owned(),
        until: now() + Duration::hours(1),
    };
    let kept = link.clone();
    house
        .write(move |rows| {
            rows.insert_account(&account("ada"))?;
            rows.insert_account(&account("bea"))?;
            rows.insert_session(&session("ada", 5))?;
            rows.insert_session(&session("bea", 1))?;
            rows.insert_session(&session("bea", 9))?;
            rows.insert_device_link(&kept)?;
            rows.count_device_failure("device", "id of ada", now())?;
            rows.count_device_failure("device", "id of ada", now())
        })
        .unwrap();
    let hashes = || {
        let sessions = house.store.read(|rows| Ok(rows.sessions()?)).unwrap();
        let hashes = sessions.into_iter().map(|(session, _)| session.hash);
        hashes.collect::<Vec<_>>()
    };
    let failures = || {
        let found = house.store.read(|rows| Ok(rows.device_failures("device")?));
        found.unwrap().0
    };
    assert_eq!(hashes(), ["bea 1", "ada 5", "bea 9"]);
    assert_eq!(failures(), 2);
    let ended = house.write(|rows| rows.delete_sessions_of("id of bea"));
    assert_eq!(ended.unwrap(), 2);
    let taken = house.upkeep(|rows| rows.take_device_link("link"));
    assert_eq!(taken, Some(link.clone()));
    let again = house.upkeep(|rows| rows.take_device_link("link"));
    assert_eq!(again, None);
    house
        .write(move |rows| rows.insert_device_link(&link))
        .unwrap();
    house
        .write(|rows| rows.delete_account("id of ada"))
        .unwrap();
    assert!(hashes().is_empty());
    assert_eq!(failures(), 0);
    let link = house.upkeep(|rows| rows.take_device_link("link"));
    assert_eq!(link, None);
}

pub(super) fn sessions_are_used_and_forgotten_without_an_entry(house: &Empty) {
    house
        .write(|rows| {
            rows.insert_account(&account("ada"))?;
            rows.insert_session(&session("ada", 1))?;
            rows.insert_session(&session("ada", 90))
        })
        .unwrap();
    let before = house.audited();
    let hour = now() - Duration::hours(1);
    house.upkeep(move |rows| rows.delete_sessions_before(hour));
    let at = now();
    house.upkeep(move |rows| rows.touch_session("ada 1", at));
    let left = house.store.read(|rows| Ok(rows.sessions()?)).unwrap();
    assert_eq!((left.len(), left[0].0.last_used), (1, at));
    assert_eq!(house.audited(), before);
}

pub(super) fn a_key_is_revoked_once(house: &Empty) {
    for name in ["Two", "one"] {
        house
            .write(move |rows| rows.insert_api_key(&api_key(name)))
            .unwrap();
    }
    let again = house.write(|rows| rows.insert_api_key(&api_key("ONE")));
    assert!(is_conflict(&again), "{again:?}");
    let keys = || house.store.read(|rows| Ok(rows.api_keys()?)).unwrap();
    assert_eq!(keys()[0].name, "one");
    let at = now();
    for first in [true, false] {
        let revoked = house.write(move |rows| rows.revoke_api_key("id of one", at));
        assert_eq!(revoked.unwrap(), first);
    }
    let found = house
        .store
        .look_up(|rows| Ok(rows.api_key_of_hash("hash of one")?));
    assert_eq!(found.unwrap().unwrap().revoked, Some(at));
}

pub(super) fn a_person_keeps_the_name_and_a_tenant_admin_everything(house: &Empty) {
    let ava = person("ava");
    let id = ava.id.to_string();
    house
        .write(move |rows| rows.insert_person(&ava, now()))
        .unwrap();
    let again = house.write(|rows| rows.insert_person(&person("AVA"), now()));
    assert!(is_conflict(&again), "{again:?}");
    let update = |id: &str, update| {
        let id = id.to_owned();
        house.write(move |rows| rows.update_person(&id, update, now()))
    };
    let archived = PersonUpdate::Status(Status::Archived);
    assert!(update(&id, archived).unwrap());
    house
        .write(|rows| rows.insert_person(&person("Ava"), now()))
        .unwrap();
    let back = update(&id, PersonUpdate::Status(Status::Active));
    assert!(is_conflict(&back), "{back:?}");
    assert!(update(&id, PersonUpdate::UserType(UserType::Technician)).unwrap());
    assert!(update(&id, PersonUpdate::TenantAdmin).unwrap());
    assert!(!update(&id, PersonUpdate::UserType(UserType::Requester)).unwrap());
    let locked = id.clone();
    let state = house.write(move |rows| rows.lock_person(&locked)).unwrap();
    let state = state.unwrap();
    assert_eq!(
        (state.status, state.user_type),
        (Status::Archived, UserType::Technician)
    );
    assert!(state.protected && !state.managed && !state.left);
    let found = house.store.read(|rows| Ok(rows.person(&id)?)).unwrap();
    let found = found.unwrap().effective(&scim_mapping::Catalog::default());
    assert_eq!(found.fields["roles"], json!(["Approver"]));
    assert!(!update(&ResourceId::new().to_string(), archived).unwrap());
}

pub(super) fn an_account_is_as_open_as_its_person_is_active(house: &Empty) {
    let (ava, crew) = (
        person("ava"),
        NewGroup {
            id: ResourceId::new(),
            name: "Crew".to_owned(),
            confers_admin: false,
        },
    );
    let (id, group) = (ava.id.to_string(), crew.id.to_string());
    let bound = id.clone();
    house
        .write(move |rows| {
            rows.insert_person(&ava, now())?;
            rows.insert_group(&crew, now())?;
            rows.insert_account(&account("ada"))?;
            rows.insert_session(&session("ada", 1))?;
            rows.set_account_person("id of ada", Some(&bound))
        })
        .unwrap();
    let by_name = house.store.read(|rows| Ok(rows.bindable_by_name(" AVA ")?));
    assert_eq!(by_name.unwrap().unwrap().id, id);
    for new in [true, false] {
        let (group, id) = (group.clone(), id.clone());
        let joined = house.write(move |rows| rows.insert_member(&group, &id, now()));
        assert_eq!(joined.unwrap(), new);
    }
    let members = house.store.read(|rows| Ok(rows.members(&group, None, 5)?));
    assert_eq!(members.unwrap()[0].name.as_deref(), Some("ava"));
    let locked = || house.write(|rows| rows.lock_account("id of ada")).unwrap();
    assert!(locked().unwrap().is_open());
    let blocked = id.clone();
    house
        .write(move |rows| {
            let update = PersonUpdate::Status(Status::Blocked);
            rows.update_person(&blocked, update, now())
        })
        .unwrap();
    assert!(!locked().unwrap().is_open());
    let sessions = house.store.read(|rows| Ok(rows.sessions()?)).unwrap();
    assert!(sessions.is_empty(), "they end with the person");
    let audited = house.audited();
    assert!(audited.contains(&"account.ended".to_owned()), "{audited:?}");
}
