//! What the administrators' service relies on, of every store: the one in memory, SQLite and
//! PostgreSQL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Duration, SubsecRound, Utc};
use engines::{Engine, Suite};
use scim_admin::account::{Account, PasswordHash, Role};
use scim_admin::api_key::ApiKey;
use scim_admin::declaration::{Change, PlanItem, StoredPlan};
use scim_admin::event::{AuditEntry, AuditQuery};
use scim_admin::item::ItemKind;
use scim_admin::mapping::{DRAFT, MappingVersion};
use scim_admin::memory::MemoryStore;
use scim_admin::people::{NewGroup, NewPerson, PersonUpdate, UserType};
use scim_admin::scope::Scopes;
use scim_admin::session::Session;
use scim_admin::store::{AdminTransaction, AdminUpkeep, DeviceLink, Written};
use scim_admin::survey::{Survey, SurveyKind};
use scim_admin::token::Retirement;
use scim_admin::{
    AccessToken, AdminError, AdminStore, AdminStoreExt, ConfigurationInput, ConfigurationStatus,
    ProvisioningConfiguration,
};
use scim_feed::{Stream, StreamKind, StreamState};
use scim_mapping::{CustomField, MappingSet, ResourceKind};
use scim_persistence::{Database, Settings};
use scim_provisioning::directory::Status;
use scim_provisioning::model::ModelVersion;
use scim_provisioning::reapply::Job;
use scim_provisioning::{ConfigurationId, ResourceId, StoreError};
use serde_json::json;
use tempfile::TempDir;

/// A store without anything in it.
struct Empty {
    store: Arc<dyn AdminStore>,
    _folder: TempDir,
}

impl Empty {
    fn memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            _folder: tempfile::tempdir().unwrap(),
        }
    }

    fn on(engine: &Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            url: common::new_database(engine, &folder),
            base_url: common::BASE.to_owned(),
            connections: 2,
        };
        Self {
            store: Database::open(&settings).unwrap(),
            _folder: folder,
        }
    }

    /// Writes, with an entry in the audit.
    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn AdminTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AdminError> {
        self.store
            .write(move |rows| Ok(Written::changed(work(rows)?, entry("written"))))
    }

    fn upkeep<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn AdminUpkeep) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.upkeep(move |rows| Ok(work(rows)?)).unwrap()
    }

    fn audited(&self) -> Vec<String> {
        let query = AuditQuery {
            limit: 100,
            ..AuditQuery::default()
        };
        let entries = self.store.read(|rows| Ok(rows.audit_entries(&query)?));
        let entries = entries.unwrap().into_iter().rev();
        entries.map(|(_, entry)| entry.event.into_owned()).collect()
    }

    /// Inserts a configuration and answers it as it is stored.
    fn configuration(&self, name: &str) -> ProvisioningConfiguration {
        let input = ConfigurationInput::fresh();
        let configuration = ProvisioningConfiguration {
            id: ConfigurationId::new(),
            name: name.to_owned(),
            description: String::new(),
            status: ConfigurationStatus::Enabled,
            users: true,
            groups: true,
            identity_provider: input.identity_provider,
            profile: input.profile,
            policies: input.policies,
            networks: Vec::new(),
            model: ModelVersion {
                user: 1,
                group: 1,
                fields: 0,
            },
            guard_reset: None,
            version: 1,
            created: now(),
            last_modified: now(),
        };
        let id = configuration.id;
        self.write(move |rows| rows.insert_configuration(&configuration))
            .unwrap();
        self.found(id)
    }

    fn found(&self, id: ConfigurationId) -> ProvisioningConfiguration {
        let found = self.store.read(|rows| Ok(rows.configuration(id)?));
        found.unwrap().unwrap()
    }

    fn tokens(&self, of: ConfigurationId) -> Vec<AccessToken> {
        self.store.read(|rows| Ok(rows.tokens(of)?)).unwrap()
    }

    fn accounts(&self) -> Vec<Account> {
        self.store.read(|rows| Ok(rows.accounts()?)).unwrap()
    }
}

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

fn entry(event: &'static str) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: "test".to_owned(),
        source: None,
        event: event.into(),
        object: "test".to_owned(),
        configuration: None,
        details: json!({}),
    }
}

fn account(name: &str) -> Account {
    Account {
        id: format!("id of {name}"),
        name: name.to_owned(),
        role: Role::Administrator,
        password: PasswordHash::none(),
        created: now(),
        failures: 0,
        failed: None,
        openid: None,
        person: None,
    }
}

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

fn token(configuration: ConfigurationId, id: &str) -> AccessToken {
    AccessToken {
        id: id.to_owned(),
        configuration,
        hash: format!("hash of {id}"),
        sealed: "sealed".to_owned(),
        key_id: "key".to_owned(),
        hint: "hint".to_owned(),
        created: now(),
        created_by: "test".to_owned(),
        made_by: None,
        expires: Some(now() + Duration::days(1)),
        retirement: None,
        revoked: None,
        first_used: None,
        last_used: None,
        last_used_from: None,
        last_used_by: None,
    }
}

fn api_key(name: &str) -> ApiKey {
    ApiKey {
        id: format!("id of {name}"),
        name: name.to_owned(),
        role: Role::Auditor,
        scopes: Scopes::of(Role::Auditor),
        hash: format!("hash of {name}"),
        created: now(),
        expires: now() + Duration::days(1),
        revoked: None,
        made_by: None,
        account: None,
    }
}

fn person(name: &str) -> NewPerson {
    NewPerson {
        id: ResourceId::new(),
        user_name: name.to_owned(),
        email: None,
        tenant_admin: false,
        admin_role: None,
        given_role: Some("Approver".to_owned()),
    }
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AdminError>) -> bool {
    matches!(result, Err(AdminError::Store(StoreError::Conflict { .. })))
}

fn is_stale<T: std::fmt::Debug>(result: &Result<T, AdminError>) -> bool {
    matches!(result, Err(AdminError::Stale))
}

fn a_write_leaves_its_entry_and_one_that_fails_or_changes_nothing_leaves_nothing(house: &Empty) {
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

fn accounts_have_names_of_their_own_without_regard_to_case(house: &Empty) {
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

fn what_hangs_on_an_account_goes_with_it(house: &Empty) {
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

fn sessions_are_used_and_forgotten_without_an_entry(house: &Empty) {
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

fn a_key_is_revoked_once(house: &Empty) {
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

fn a_configuration_is_written_by_whoever_saw_it_last(house: &Empty) {
    let okta = house.configuration("Okta");
    let again = {
        let other = ProvisioningConfiguration {
            id: ConfigurationId::new(),
            name: "OKTA".to_owned(),
            ..okta.clone()
        };
        house.write(move |rows| rows.insert_configuration(&other))
    };
    assert!(is_conflict(&again), "{again:?}");
    let seen = okta.clone();
    house
        .write(move |rows| {
            rows.reset_guard(seen.id, now())?;
            rows.set_active_mapping(seen.id, ResourceKind::User, 1, 2)
        })
        .unwrap();
    let changed = ProvisioningConfiguration {
        description: "changed".to_owned(),
        ..okta.clone()
    };
    let late = changed.clone();
    house
        .write(move |rows| rows.update_configuration(&changed))
        .unwrap();
    let found = house.found(okta.id);
    assert_eq!((&*found.description, found.version), ("changed", 2));
    assert_eq!(found.model.user, 2, "what has operations of its own stays");
    assert!(found.guard_reset.is_some());
    let late = house.write(move |rows| rows.update_configuration(&late));
    assert!(is_stale(&late), "{late:?}");
    let id = okta.id;
    let late = house.write(move |rows| rows.set_active_mapping(id, ResourceKind::User, 1, 3));
    assert!(is_stale(&late), "{late:?}");
    let by_name = house
        .store
        .read(|rows| Ok(rows.configuration_by_name(" okta ")?));
    assert_eq!(by_name.unwrap().unwrap().id, id);
    house
        .write(move |rows| rows.delete_configuration(id))
        .unwrap();
    let gone = house.write(move |rows| rows.delete_configuration(id));
    assert!(is_stale(&gone), "{gone:?}");
    let gone = house.write(move |rows| rows.lock_configuration(id));
    assert!(is_stale(&gone), "{gone:?}");
}

fn a_token_that_is_revoked_never_changes_again(house: &Empty) {
    let id = house.configuration("Okta").id;
    house
        .write(move |rows| {
            rows.insert_token(&token(id, "a"))?;
            rows.insert_token(&token(id, "b"))
        })
        .unwrap();
    let [b, a] = house.tokens(id).try_into().unwrap();
    assert_eq!((&*b.id, &*a.id), ("b", "a"), "newest first");
    let retiring = AccessToken {
        retirement: Some(Retirement {
            by: "b".to_owned(),
            overlap: Duration::hours(2),
            at: Some(now()),
        }),
        first_used: Some(now()),
        ..a.clone()
    };
    let wanted = retiring.clone();
    assert!(
        house
            .write(move |rows| rows.update_token(&retiring))
            .unwrap()
    );
    assert_eq!(house.tokens(id)[1], wanted);
    let revoked = AccessToken {
        revoked: Some(now()),
        ..wanted
    };
    let kept = revoked.clone();
    assert!(
        house
            .write(move |rows| rows.update_token(&revoked))
            .unwrap()
    );
    assert!(!house.write(move |rows| rows.update_token(&a)).unwrap());
    assert_eq!(house.tokens(id)[1], kept);
    let found = house
        .store
        .look_up(|rows| Ok(rows.token_of_hash("hash of b")?));
    let (found, configuration) = found.unwrap().unwrap();
    assert_eq!((found, configuration.id), (b, id));
}

fn a_use_of_a_token_is_noted_and_its_first_one_known(house: &Empty) {
    let id = house.configuration("Okta").id;
    house
        .write(move |rows| rows.insert_token(&token(id, "a")))
        .unwrap();
    let at = now();
    let touch = move || {
        house.upkeep(move |rows| rows.touch_token("a", at, Some("192.0.2.1"), Some("test")))
    };
    assert!(!touch());
    let first = AccessToken {
        first_used: Some(at),
        ..house.tokens(id).remove(0)
    };
    assert_eq!(first.last_used, Some(at));
    assert_eq!(first.last_used_by.as_deref(), Some("test"));
    house.write(move |rows| rows.update_token(&first)).unwrap();
    assert!(touch());
    assert!(house.upkeep(|rows| rows.touch_token("gone", now(), None, None)));
}

fn the_end_of_a_token_is_noted_once(house: &Empty) {
    let id = house.configuration("Okta").id;
    let over = AccessToken {
        expires: Some(now() - Duration::hours(1)),
        ..token(id, "over")
    };
    house
        .write(move |rows| {
            rows.insert_token(&over)?;
            rows.insert_token(&token(id, "live"))
        })
        .unwrap();
    let ended = || {
        let found = house.store.read(|rows| Ok(rows.ended_tokens(now())?));
        let found = found.unwrap().into_iter();
        found.map(|(token, of)| (token.id, of)).collect::<Vec<_>>()
    };
    assert_eq!(ended(), [("over".to_owned(), "Okta".to_owned())]);
    for first in [true, false] {
        let noted = house.write(|rows| rows.note_token_end("over"));
        assert_eq!(noted.unwrap(), first);
    }
    assert!(ended().is_empty());
}

fn tokens_are_found_by_the_keys_that_made_them(house: &Empty) {
    let id = house.configuration("Okta").id;
    let made = AccessToken {
        made_by: Some("id of key".to_owned()),
        ..token(id, "a")
    };
    house
        .write(move |rows| {
            rows.insert_api_key(&api_key("key"))?;
            rows.insert_token(&made)?;
            rows.insert_token(&token(id, "b"))
        })
        .unwrap();
    let keys = ["id of key".to_owned(), "another".to_owned()];
    let found = house.store.read(|rows| Ok(rows.tokens_made_by(&keys)?));
    let found = found.unwrap();
    assert_eq!(
        (found.len(), &*found[0].0.id, &*found[0].1),
        (1, "a", "Okta")
    );
}

fn versions_of_a_mapping_are_listed_with_the_draft_last(house: &Empty) {
    let id = house.configuration("Okta").id;
    let version = move |number| {
        let rules = MappingSet::default_user();
        MappingVersion::new(id, number, rules, "note", "test", now())
    };
    house
        .write(move |rows| {
            for number in [1, DRAFT, 2] {
                rows.insert_mapping_version(&version(number))?;
            }
            Ok(())
        })
        .unwrap();
    let numbers = || {
        let found = house
            .store
            .read(|rows| Ok(rows.mapping_versions(id, ResourceKind::User)?));
        let found = found.unwrap().into_iter();
        found.map(|version| version.version).collect::<Vec<_>>()
    };
    assert_eq!(numbers(), [2, 1, DRAFT]);
    house
        .write(move |rows| {
            rows.delete_draft(id, ResourceKind::Group)?;
            rows.delete_draft(id, ResourceKind::User)
        })
        .unwrap();
    assert_eq!(numbers(), [2, 1]);
}

fn each_change_of_the_fields_is_counted(house: &Empty) {
    let id = house.configuration("Okta").id;
    let field = |key: &str, label: &str| -> CustomField {
        let field = json!({ "key": key, "label": label, "type": "longText" });
        serde_json::from_value(field).unwrap()
    };
    let revision = || house.found(id).model.fields;
    let before = revision();
    house
        .write(move |rows| rows.insert_custom_field(&field("desk", "Desk"), now()))
        .unwrap();
    let again = house.write(move |rows| rows.insert_custom_field(&field("desk", "A"), now()));
    assert!(is_conflict(&again), "{again:?}");
    for (key, there) in [("desk", true), ("chair", false)] {
        let updated = house.write(move |rows| rows.update_custom_field(&field(key, "Table")));
        assert_eq!(updated.unwrap(), there);
    }
    let fields = house.store.read(|rows| Ok(rows.custom_fields()?)).unwrap();
    assert_eq!((fields.len(), &*fields[0].label), (1, "Table"));
    for there in [true, false] {
        let deleted = house.write(|rows| {
            let deleted = rows.delete_custom_field("desk")?;
            rows.forget_custom_values("desk", now())?;
            Ok(deleted)
        });
        assert_eq!(deleted.unwrap(), there);
    }
    assert_eq!(revision(), before + 3);
}

fn one_at_a_time_works_on_a_job(house: &Empty) {
    let id = house.configuration("Okta").id;
    let job = move |name: &str| Job {
        id: name.to_owned(),
        configuration: id,
        position: None,
        total: 0,
        done: 0,
        changed: 0,
        failed: 0,
        finished: false,
        actor: "test".to_owned(),
        created: now(),
        updated: now(),
    };
    house
        .write(move |rows| {
            rows.insert_job(&job("a"))?;
            rows.delete_unfinished_jobs(id)?;
            rows.insert_job(&job("b"))
        })
        .unwrap();
    let jobs = house.store.read(|rows| Ok(rows.jobs(id)?)).unwrap();
    assert_eq!((jobs.len(), &*jobs[0].id), (1, "b"));
    assert!(house.store.read(|rows| Ok(rows.work_waits()?)).unwrap());
    let (at, until) = (now(), now() + Duration::minutes(2));
    let claim = move |id: Option<&'static str>, at| {
        house
            .upkeep(move |rows| rows.claim_job(id, at, until))
            .map(|job| job.id)
    };
    assert_eq!(claim(Some("a"), at), None);
    assert_eq!(claim(None, at).as_deref(), Some("b"));
    assert_eq!(claim(None, at), None);
    assert_eq!(
        claim(Some("b"), until).as_deref(),
        Some("b"),
        "it was given up"
    );
}

fn a_survey_is_asked_for_once_and_keeps_what_came_of_the_last(house: &Empty) {
    let id = house.configuration("Okta").id;
    let asked = move |by: &str| Survey {
        configuration: id,
        kind: SurveyKind::Drift,
        asked: now(),
        asked_by: by.to_owned(),
        done: None,
        result: None,
    };
    let ask = move |by: &'static str| house.upkeep(move |rows| rows.ask_survey(&asked(by)));
    let found = || {
        let found = house
            .store
            .read(|rows| Ok(rows.survey(id, SurveyKind::Drift)?));
        found.unwrap().unwrap()
    };
    ask("ada");
    ask("bea");
    assert_eq!(found().asked_by, "ada");
    let (at, until) = (now(), now() + Duration::minutes(2));
    let claim = move || house.upkeep(move |rows| rows.claim_survey(at, until));
    let claimed = claim().unwrap();
    assert_eq!(claim(), None);
    let done = Survey {
        done: Some(at),
        result: Some(json!({ "found": 3 })),
        ..claimed
    };
    house.upkeep(move |rows| rows.save_survey(&done));
    ask("bea");
    let waits = found();
    assert_eq!((&*waits.asked_by, waits.done), ("bea", None));
    assert_eq!(waits.result, Some(json!({ "found": 3 })));
}

fn a_person_keeps_the_name_and_a_tenant_admin_everything(house: &Empty) {
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
    let found = found.unwrap().effective();
    assert_eq!(found.fields["roles"], json!(["Approver"]));
    assert!(!update(&ResourceId::new().to_string(), archived).unwrap());
}

fn an_account_is_as_open_as_its_person_is_active(house: &Empty) {
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

fn a_plan_is_kept_under_its_digest_for_a_time(house: &Empty) {
    let plan = |digest: &str, age: i64| StoredPlan {
        digest: digest.to_owned(),
        prune: true,
        document: json!({"configurations": []}),
        items: vec![PlanItem {
            kind: ItemKind::Configuration,
            name: "Okta".to_owned(),
            change: Change::Delete,
            changes: Vec::new(),
        }],
        made_by: "test".to_owned(),
        created: now() - Duration::days(age),
    };
    let keep = |plan: &StoredPlan| {
        let plan = plan.clone();
        house.upkeep(move |rows| rows.keep_plan(&plan, now() - Duration::days(30)));
    };
    let found = |digest: &str| house.store.read(|rows| Ok(rows.plan(digest)?)).unwrap();
    assert_eq!(found("a"), None);
    keep(&plan("old", 31));
    keep(&plan("a", 2));
    let again = plan("a", 1);
    keep(&again);
    assert_eq!(found("a"), Some(again));
    assert_eq!(found("old"), None, "its time is over");
}

fn a_stream_gets_another_key_as_it_was_seen(house: &Empty) {
    let stream = Stream {
        id: "s".to_owned(),
        name: "Mail".to_owned(),
        kind: StreamKind::Read,
        topics: None,
        state: StreamState::Active,
        position: 3,
        delivered: None,
        version: 1,
        created: now(),
        made_by: None,
    };
    let inserted = stream.clone();
    house
        .write(move |rows| rows.insert_stream(&inserted, "first"))
        .unwrap();
    let renewed = Stream {
        made_by: Some("key".to_owned()),
        ..stream
    };
    let renew = |stream: &Stream| {
        let stream = stream.clone();
        house
            .write(move |rows| rows.set_stream_key(&stream, "second"))
            .unwrap()
    };
    assert!(renew(&renewed));
    assert!(!renew(&renewed), "it is another one now");
    let found = house.store.read(|rows| Ok(rows.streams()?)).unwrap();
    let expected = Stream {
        version: 2,
        ..renewed
    };
    assert_eq!(found, [expected]);
}

/// The battery, for each store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        fn main() -> ExitCode {
            let mut suite = Suite::new();
            $(
                suite.once(concat!("memory::", stringify!($name)), || $name(&Empty::memory()));
                suite.on_both(stringify!($name), |engine| $name(&Empty::on(engine)));
            )*
            suite.run()
        }
    };
}

on_every_store!(
    a_write_leaves_its_entry_and_one_that_fails_or_changes_nothing_leaves_nothing,
    accounts_have_names_of_their_own_without_regard_to_case,
    what_hangs_on_an_account_goes_with_it,
    sessions_are_used_and_forgotten_without_an_entry,
    a_key_is_revoked_once,
    a_configuration_is_written_by_whoever_saw_it_last,
    a_token_that_is_revoked_never_changes_again,
    a_use_of_a_token_is_noted_and_its_first_one_known,
    the_end_of_a_token_is_noted_once,
    tokens_are_found_by_the_keys_that_made_them,
    versions_of_a_mapping_are_listed_with_the_draft_last,
    each_change_of_the_fields_is_counted,
    one_at_a_time_works_on_a_job,
    a_survey_is_asked_for_once_and_keeps_what_came_of_the_last,
    a_person_keeps_the_name_and_a_tenant_admin_everything,
    an_account_is_as_open_as_its_person_is_active,
    a_plan_is_kept_under_its_digest_for_a_time,
    a_stream_gets_another_key_as_it_was_seen,
);
