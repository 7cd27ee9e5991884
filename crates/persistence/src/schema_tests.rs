//! The tables of both engines against the schema of this crate, which is read as text: diesel
//! tells no names of types.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use diesel::RunQueryDsl;
use diesel::sql_types::{Integer, Text};
use engines::Suite;

use crate::common::House;

/// The type of a column and whether it may be null, by the names of its table and of itself.
type Columns = BTreeMap<(String, String), (String, bool)>;

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    nullable: i32,
}

const SQLITE: &str = "SELECT m.name AS of, p.name, lower(p.type) AS kind, \
    p.\"notnull\" = 0 AND p.pk = 0 AS nullable FROM sqlite_schema m, pragma_table_info(m.name) p \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
const POSTGRES: &str = "SELECT CAST(table_name AS text) AS of, CAST(column_name AS text) AS name, \
    CAST(data_type AS text) AS kind, CAST(is_nullable = 'YES' AS integer) AS nullable \
    FROM information_schema.columns WHERE table_schema = 'public' \
    AND table_name NOT LIKE '\\_\\_%'";

fn there(house: &House) -> Columns {
    let url = &house.settings.url;
    let columns: Vec<Column> = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection: diesel::SqliteConnection =
                diesel::Connection::establish(path).unwrap();
            diesel::sql_query(SQLITE).load(&mut connection).unwrap()
        }
        None => {
            let mut connection: diesel::PgConnection = diesel::Connection::establish(url).unwrap();
            diesel::sql_query(POSTGRES).load(&mut connection).unwrap()
        }
    };
    columns
        .into_iter()
        .map(|column| {
            let key = (column.of, column.name);
            (key, (column.kind, column.nullable != 0))
        })
        .collect()
}

/// The tables of the feed.
const FEED: [&str; 3] = ["feed_author", "feed_changes", "feed_state"];

/// What `schema.rs` says.
fn said() -> Columns {
    let mut columns = Columns::new();
    let mut table = String::new();
    let beside = concat!(
        include_str!("schema_instance.rs"),
        include_str!("schema_recorded.rs"),
        include_str!("schema_rehearsals.rs"),
        include_str!("schema_search.rs"),
        include_str!("schema_streams.rs")
    );
    for line in include_str!("schema.rs").lines().chain(beside.lines()) {
        let line = line.trim();
        if let Some((name, rest)) = line.split_once(" (")
            && rest.ends_with(") {")
        {
            table = name.to_owned();
        } else if let Some((name, kind)) = line.split_once(" -> ") {
            let kind = kind.trim_end_matches(',');
            let inner = kind
                .strip_prefix("Nullable<")
                .and_then(|kind| kind.strip_suffix('>'));
            let said = (inner.unwrap_or(kind).to_owned(), inner.is_some());
            columns.insert((table.clone(), name.to_owned()), said);
        }
    }
    columns
}

fn the_schema_is_what_the_migrations_of_both_engines_make(house: &House) {
    let mut said = said();
    assert!(said.len() > 250, "{} columns", said.len());
    let sqlite = house.settings.url.starts_with("sqlite:");
    let mut there = there(house);
    // Rows are added there and folded, and have an id for it.
    there.remove(&("resource_totals".to_owned(), "id".to_owned()));
    there.remove(&("run_counts".to_owned(), "id".to_owned()));
    // Views are no tables.
    there.retain(|(table, _), _| !table.starts_with("feed_") || FEED.contains(&table.as_str()));
    // Each engine has its own way to know who writes, and which change is the last.
    said.retain(|(table, column), _| match sqlite {
        true => (table.as_str(), column.as_str()) != ("feed_changes", "position"),
        false => table != "feed_author",
    });
    let names = |columns: &Columns| columns.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&said), names(&there), "SQLite: {sqlite}");
    for (key, (kind, nullable)) in &said {
        let (found, may_be_null) = &there[key];
        assert_eq!(nullable, may_be_null, "{key:?}");
        let same = match (kind.as_str(), sqlite) {
            // An id that counts up must be called so there; it has 64 bits all the same.
            ("BigInt", true) => found == "bigint" || (key.1 == "id" && found == "integer"),
            ("Document", true) => found == "text",
            ("Document", false) => found == "jsonb",
            (kind, _) => kind.to_lowercase() == *found,
        };
        assert!(same, "{key:?}: {kind} is {found}");
    }
}

pub(crate) fn add_to(suite: &mut Suite) {
    engines::add_tests! {
        suite;
        on_both(House::new): the_schema_is_what_the_migrations_of_both_engines_make;
    }
}
