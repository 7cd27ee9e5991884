//! Backups under writes, and what comes back of them, on every engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use chrono::Utc;
use common::{BASE, Engine, House, actor, new_database};
use scim_admin::event::AuditQuery;
use scim_admin::safekeeping::check_ring;
use scim_admin::{AdminService, Authenticator, KeyRing};
use scim_feed::{Feed, FeedError, FeedStore};
use scim_persistence::{BackupError, Database, OpenError, Settings, backup, restore};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::{Environment, Method, Request, ServiceProvider, SystemEnvironment};
use serde_json::{Value, json};

/// A house, and where a backup of it goes back.
struct Drill {
    house: House,
    elsewhere: Settings,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drill {
    fn new(engine: &Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            house: House::new(engine),
            elsewhere: Settings {
                url: new_database(engine, &folder),
                base_url: BASE.to_owned(),
                connections: 4,
            },
            file: folder.path().join("backup"),
            _folder: folder,
        }
    }

    fn backup(&self) -> scim_admin::safekeeping::BackupHead {
        backup(&self.house.settings.url, &self.file).unwrap()
    }

    fn restore(&self) -> Result<Restored, BackupError> {
        let restored = restore(&self.elsewhere.url, &self.file, "test")?;
        let database = Database::open_existing(&self.elsewhere).unwrap();
        let keys = Arc::clone(&self.house.keys);
        let provider =
            ServiceProvider::new(database.clone(), keys.clone(), BASE, Limits::default());
        Ok(Restored {
            position: restored.feed_position,
            admin: AdminService::new(database.clone(), keys.clone()),
            authenticator: Authenticator::new(database.clone(), keys),
            provider,
            database,
        })
    }
}

struct Restored {
    position: i64,
    admin: AdminService,
    authenticator: Authenticator,
    provider: ServiceProvider,
    database: Arc<Database>,
}

impl Restored {
    fn request(&self, drill: &Drill, method: Method, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method,
            path,
            query,
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        let answer = self.provider.answer(&drill.house.caller, &request);
        let answer = common::read_back(answer);
        assert!(answer.status < 300, "{:?}", answer.body);
        answer.body.unwrap()
    }
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "name": {"givenName": "A\nb", "familyName": "\"é\\"}})
}

fn what_was_acknowledged_before_a_backup_comes_back_and_works(drill: &Drill) {
    let house = &drill.house;
    let token = house
        .admin
        .add_token(&actor(), house.id_of("Test"), None, None)
        .unwrap();
    let boss = house.create("/Users", &user("boss"));
    let group =
        json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": [{"value": boss}]});
    house.create("/Groups", &group);
    let feed = Feed::new(Arc::clone(&house.database) as Arc<dyn FeedStore>);
    let over = AtomicBool::new(false);
    let acknowledged: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
    let count = |writer: usize| acknowledged[writer].load(Ordering::SeqCst);
    let (before, head, position) = thread::scope(|scope| {
        for writer in 0..acknowledged.len() {
            let (over, acknowledged) = (&over, &acknowledged);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let number = acknowledged[writer].load(Ordering::SeqCst);
                    house.create("/Users", &user(&format!("w{writer}-{number}")));
                    acknowledged[writer].fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        while (0..3).any(|writer| count(writer) < 5) {
            thread::yield_now();
        }
        let before: Vec<usize> = (0..3).map(count).collect();
        let head = drill.backup();
        // Others wrote meanwhile, and it ended all the same.
        let seen: Vec<usize> = (0..3).map(count).collect();
        while (0..3).any(|writer| count(writer) <= seen[writer]) {
            thread::yield_now();
        }
        over.store(true, Ordering::SeqCst);
        (before, head, feed.head().unwrap())
    });
    assert!(head.migrations.len() > 20);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&drill.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let there = drill.restore().unwrap();
    let all = there.request(drill, Method::Get, "/Users?count=1000", &Value::Null);
    let names: Vec<&str> = all["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["userName"].as_str().unwrap())
        .collect();
    for (writer, count) in before.iter().enumerate() {
        for number in 0..*count {
            let name = format!("w{writer}-{number}");
            assert!(names.contains(&&*name), "{name}");
        }
        // Of one writer there is no gap.
        let prefix = format!("w{writer}-");
        let of_writer = names
            .iter()
            .filter(|name| name.starts_with(&prefix))
            .count();
        assert!(names.contains(&&*format!("{prefix}{}", of_writer - 1)));
    }
    assert_eq!(all["totalResults"], names.len());
    assert_eq!(all["Resources"][0]["name"]["familyName"], "\"é\\");
    let groups = there.request(drill, Method::Get, "/Groups", &Value::Null);
    assert_eq!(groups["Resources"][0]["members"][0]["value"], boss.as_str());
    // Its token, with the same ring.
    check_ring(&*there.database, &house.keys, SystemEnvironment.now()).unwrap();
    let header = format!("Bearer {}", token.value.reveal());
    let authenticated = there
        .authenticator
        .authenticate(&[header.as_bytes()], None, Utc::now());
    assert!(authenticated.is_ok());
    // Positions of before are told to take a snapshot.
    assert!(there.position > position);
    let feed = Feed::new(Arc::clone(&there.database) as Arc<dyn FeedStore>);
    let refused = feed.check(position);
    assert!(
        matches!(refused, Err(FeedError::SnapshotRequired)),
        "{refused:?}"
    );
    // It is written on, with numbers that nobody has.
    there.request(drill, Method::Post, "/Users", &user("eve"));
    let page = feed.changes(None, there.position, 10).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].position, there.position + 1);
    let verdict = there.admin.verify_audit(None).unwrap();
    assert_eq!(verdict.fault, None);
    let query = AuditQuery {
        event: Some("database.restored".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(there.admin.audit(&query).unwrap().len(), 1);
    assert_eq!(feed.head().unwrap(), there.position + 1);
    let totals = there.request(drill, Method::Get, "/Users?count=0", &Value::Null);
    assert_eq!(totals["totalResults"], names.len() + 1);
}

fn a_damaged_backup_goes_nowhere(drill: &Drill) {
    drill.house.create("/Users", &user("ada"));
    drill.backup();
    let whole = std::fs::read(&drill.file).unwrap();
    let middle = whole.len() / 2;
    let mut changed = whole.clone();
    changed[middle] ^= 1;
    for damaged in [&changed[..], &whole[..middle], &whole[..10], b""] {
        std::fs::write(&drill.file, damaged).unwrap();
        let refused = drill.restore().err();
        assert!(
            matches!(
                refused,
                Some(BackupError::Damaged(_) | BackupError::Unreadable(_))
            ),
            "{refused:?}"
        );
    }
    std::fs::write(&drill.file, &whole).unwrap();
    drill.restore().unwrap();
    let left = std::fs::read_dir(drill.file.parent().unwrap()).unwrap();
    let passing = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        let name = name.to_string_lossy();
        name.ends_with(".part") || name.ends_with(".copy") || name.ends_with(".restored")
    });
    assert_eq!(passing.count(), 0);
}

fn a_backup_replaces_nothing(drill: &Drill) {
    let house = &drill.house;
    house.create("/Users", &user("ada"));
    drill.backup();
    let refused = backup(&house.settings.url, &drill.file);
    assert!(
        matches!(refused, Err(BackupError::Exists(_))),
        "{refused:?}"
    );
    house.create("/Users", &user("eve"));
    let refused = restore(&house.settings.url, &drill.file, "test");
    assert!(
        matches!(refused, Err(BackupError::NotEmpty(_))),
        "{refused:?}"
    );
    assert_eq!(house.get("/Users")["totalResults"], 2);
}

fn a_backup_of_a_newer_version_is_refused(drill: &Drill) {
    drill
        .house
        .tamper("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')");
    drill.backup();
    let refused = drill.restore().err();
    assert!(matches!(refused, Some(BackupError::Newer)), "{refused:?}");
    let opened = Database::open_existing(&drill.elsewhere).err();
    assert!(opened.is_some(), "nothing is left of it");
}

fn a_backup_goes_back_into_its_own_engine_alone(drill: &Drill) {
    let sqlite = House::new(&Engine::Sqlite);
    let file = sqlite.folder.path().join("backup");
    backup(&sqlite.settings.url, &file).unwrap();
    let refused = restore(&drill.elsewhere.url, &file, "test");
    assert!(
        matches!(refused, Err(BackupError::OtherEngine(_))),
        "{refused:?}"
    );
}

fn nobody_writes_beside_a_file_that_was_replaced() {
    let house = House::new(&Engine::Sqlite);
    house.create("/Users", &user("ada"));
    let path = PathBuf::from(house.settings.url.strip_prefix("sqlite:").unwrap());
    let away = path.with_extension("away");
    std::fs::rename(&path, &away).unwrap();
    let refused = house.request(Method::Post, "/Users", &user("eve"));
    assert_eq!((refused.status, refused.retry_after), (503, Some(30)));
    assert!(!path.exists());
    use scim_admin::AdminStore;
    assert!(house.database.check_in_place().is_err() && house.database.ready().is_err());
    // Nor does anybody make another one on what was written of this one.
    let refused = Database::open(&house.settings).err();
    assert!(
        matches!(refused, Some(OpenError::Orphaned(_))),
        "{refused:?}"
    );
    assert!(!path.exists());
    // Nor into another one that came there.
    std::fs::write(&path, "").unwrap();
    let refused = house.request(Method::Post, "/Users", &user("eve"));
    assert_eq!(refused.status, 503);
    std::fs::remove_file(&path).unwrap();
    std::fs::rename(&away, &path).unwrap();
    house.create("/Users", &user("eve"));
    assert_eq!(house.get("/Users")["totalResults"], 2);
    let ring = KeyRing::read(house.keys.path()).unwrap();
    check_ring(&*house.database, &ring, SystemEnvironment.now()).unwrap();
}

engines::tests! {
    on_both(Drill::new):
        what_was_acknowledged_before_a_backup_comes_back_and_works,
        a_damaged_backup_goes_nowhere,
        a_backup_replaces_nothing,
        a_backup_of_a_newer_version_is_refused;
    on_postgres(Drill::new): a_backup_goes_back_into_its_own_engine_alone;
    once: nobody_writes_beside_a_file_that_was_replaced;
}
