//! Copies of a database, and everything that stands in one.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;
use scim_admin::event::AuditQuery;
use scim_admin::{AdminService, KeyRing};
use scim_persistence::{Database, Settings};
use scim_provisioning::ConfigurationId;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{Engine, House};
use super::run_of;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

pub(super) fn lines(url: &str, sql: &str) -> Vec<String> {
    let query = diesel::sql_query(sql);
    let lines: Vec<Line> = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection: diesel::SqliteConnection =
                diesel::Connection::establish(path).unwrap();
            query.load(&mut connection).unwrap()
        }
        None => {
            let mut connection: diesel::PgConnection = diesel::Connection::establish(url).unwrap();
            query.load(&mut connection).unwrap()
        }
    };
    lines.into_iter().map(|line| line.line).collect()
}

pub(super) fn batch(url: &str, sql: &str) {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection: diesel::SqliteConnection =
                diesel::Connection::establish(path).unwrap();
            let sql = format!("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; {sql}");
            connection.batch_execute(&sql).unwrap();
        }
        None => {
            let mut connection: diesel::PgConnection = diesel::Connection::establish(url).unwrap();
            connection.batch_execute(sql).unwrap();
        }
    }
}

/// A database from which others are copied.
pub(super) struct Original {
    pub(super) engine: Engine,
    pub(super) settings: Settings,
    pub(super) keys: Arc<KeyRing>,
    pub(super) test: ConfigurationId,
    pub(super) folder: TempDir,
}

/// A copy of it, and the service over that, as a process has it.
pub(super) struct Copy {
    pub(super) settings: Settings,
    pub(super) admin: AdminService,
    pub(super) original: ConfigurationId,
    _folder: TempDir,
}

impl Original {
    pub(super) fn of(house: House, engine: &Engine) -> Self {
        let test = house.id_of("Test");
        let House {
            settings,
            keys,
            folder,
            ..
        } = house;
        Self {
            engine: engine.clone(),
            settings,
            keys,
            test,
            folder,
        }
    }

    pub(super) fn copy(&self) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        let url = match &self.engine {
            Engine::Sqlite => {
                let path = folder.path().join("copy.db");
                batch(
                    &self.settings.url,
                    &format!("VACUUM INTO '{}'", path.display()),
                );
                format!("sqlite:{}", path.display())
            }
            Engine::Postgres(server) => {
                let from = self.settings.url.rsplit('/').next().unwrap();
                let name = format!("{from}_{}", uuid::Uuid::new_v4().simple());
                let name = name.get(..60).unwrap();
                // Connections of the house that was closed may still be ending.
                batch(
                    &format!("{server}/postgres"),
                    &format!(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                         WHERE datname = '{from}'"
                    ),
                );
                batch(
                    &format!("{server}/postgres"),
                    &format!("CREATE DATABASE {name} TEMPLATE {from}"),
                );
                format!("{server}/{name}")
            }
        };
        let settings = Settings {
            url,
            ..self.settings.clone()
        };
        Copy {
            admin: self.admin(&settings),
            settings,
            original: self.test,
            _folder: folder,
        }
    }

    /// What another process has over the same database.
    pub(super) fn admin(&self, settings: &Settings) -> AdminService {
        let database = Database::open(settings).unwrap();
        AdminService::new(database.clone(), self.keys.clone()).with_rehearsals(database)
    }
}

impl Copy {
    /// What is not the same of two that do the same: times, numbers that count up, and the run.
    pub(super) fn dump(&self) -> BTreeMap<String, Vec<Value>> {
        let url = &self.settings.url;
        let sqlite = url.starts_with("sqlite:");
        let run = run_of(&self.admin).0.to_string();
        let tables = match sqlite {
            true => lines(
                url,
                "SELECT name AS line FROM sqlite_schema WHERE type = 'table' \
                 AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%fts%'",
            ),
            false => lines(
                url,
                "SELECT CAST(table_name AS text) AS line FROM information_schema.tables \
                 WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
            ),
        };
        let mut dump = BTreeMap::new();
        for table in tables {
            let sql = match sqlite {
                true => {
                    let columns = lines(
                        url,
                        &format!("SELECT name AS line FROM pragma_table_info('{table}')"),
                    );
                    let pairs = columns.iter().map(|name| {
                        format!(
                            "'{name}', CASE WHEN typeof(\"{name}\") = 'blob' \
                             THEN hex(\"{name}\") ELSE \"{name}\" END"
                        )
                    });
                    let pairs: Vec<String> = pairs.collect();
                    format!(
                        "SELECT json_object({}) AS line FROM {table}",
                        pairs.join(", ")
                    )
                }
                false => format!("SELECT CAST(row_to_json(t) AS text) AS line FROM {table} t"),
            };
            let rows = lines(url, &sql).into_iter().map(|line| {
                let line = line.replace(&run, "the run");
                let mut row: Value = serde_json::from_str(&line).unwrap();
                let columns = row.as_object_mut().unwrap();
                columns.retain(|name, value| {
                    let counts = name == "id" && value.is_number();
                    let times = name.ends_with("at") || name == "at" || name == "seq";
                    !(counts || times && value.is_number())
                });
                row
            });
            let mut rows: Vec<Value> = rows.collect();
            match table.as_str() {
                // Of amounts the sum counts, and those of a configuration that is gone are none.
                "resource_totals" | "run_counts" => rows = summed(rows),
                // Its words are compared by themselves.
                "audit_events" | "audit_chain" | "authority" => rows.clear(),
                // A position in the feed is a number that counts up.
                "feed_sequence" | "feed_head" | "outbox_sequence" => rows.clear(),
                _ => {}
            }
            rows.sort_by_key(ToString::to_string);
            dump.insert(table, rows);
        }
        dump
    }

    /// The last thing that the audit says.
    pub(super) fn last_audit(&self) -> (String, String, String) {
        let query = AuditQuery {
            limit: 1,
            ..AuditQuery::default()
        };
        let (_, last) = self.admin.audit(&query).unwrap().remove(0);
        (last.event.to_string(), last.actor, last.object)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let url = &self.settings.url;
        if let Some((server, name)) = url.rsplit_once('/')
            && !url.starts_with("sqlite:")
        {
            batch(
                &format!("{server}/postgres"),
                &format!("DROP DATABASE {name} WITH (FORCE)"),
            );
        }
    }
}

fn summed(rows: Vec<Value>) -> Vec<Value> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for mut row in rows {
        let amount = row.as_object_mut().unwrap().remove("amount").unwrap();
        *sums.entry(row.to_string()).or_default() += amount.as_i64().unwrap();
    }
    sums.retain(|_, sum| *sum != 0);
    sums.iter().map(|(row, sum)| json!([row, sum])).collect()
}

pub(super) fn assert_same(
    one: &BTreeMap<String, Vec<Value>>,
    other: &BTreeMap<String, Vec<Value>>,
) {
    let tables = |dump: &BTreeMap<String, Vec<Value>>| dump.keys().cloned().collect::<Vec<_>>();
    assert_eq!(tables(one), tables(other));
    for (table, rows) in one {
        let others = &other[table];
        for (row, other) in rows.iter().zip(others) {
            assert_eq!(row, other, "{table}");
        }
        assert_eq!(rows.len(), others.len(), "{table}");
    }
}
