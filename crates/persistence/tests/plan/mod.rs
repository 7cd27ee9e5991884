//! What a plan reads.

use std::collections::HashMap;

use diesel::RunQueryDsl;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;
use scim_persistence::Explained;

use crate::common::House;

/// The columns of the indexes of PostgreSQL, by their names.
pub(crate) type Indexes = HashMap<String, Vec<String>>;

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// The columns of indexes. SQLite says itself which ones it uses of an index.
pub(crate) fn indexes(house: &House) -> Indexes {
    if house.settings.url.starts_with("sqlite:") {
        return Indexes::new();
    }
    let mut connection: diesel::PgConnection =
        diesel::Connection::establish(&house.settings.url).unwrap();
    let indexes: Vec<Index> = diesel::sql_query(
        "SELECT CAST(indexname AS text) AS name, CAST(indexdef AS text) AS definition \
         FROM pg_indexes WHERE schemaname = 'public'",
    )
    .load(&mut connection)
    .unwrap();
    let columns = |definition: &str| -> Vec<String> {
        let (_, columns) = definition.split_once('(').unwrap();
        columns
            .split(", ")
            .map(|column| column.split([' ', ')', '(']).next().unwrap().to_owned())
            .collect()
    };
    indexes
        .iter()
        .map(|index| (index.name.clone(), columns(&index.definition)))
        .collect()
}

/// The tables that grow with people and with time.
const BIG: [&str; 13] = [
    "users",
    "groups",
    "group_members",
    "user_emails",
    "provisioning_events",
    "audit_events",
    "outbox",
    "feed_changes",
    "manual_grants",
    "person_terms",
    "event_terms",
    "look_ups",
    "run_images",
];

/// Indexes and tables that hold next to nothing, whatever the tables hold.
const SMALL: [&str; 7] = [
    // A table with one row, as long as words of people are filled in.
    "person_terms_fill",
    "users_protected",
    "groups_protected",
    "users_purged",
    "provisioning_events_open",
    // Their keys are expressions: the id and the name that an open failure is about.
    "provisioning_events_failed_id",
    "provisioning_events_failed_name",
];

/// Columns by which nothing is found: many rows have the same value.
const BROAD: [&str; 10] = [
    "managed_by",
    "configuration_id",
    "outcome",
    "action",
    "resource_type",
    "status",
    "is_tenant_admin",
    "member_kind",
    // A first sync is one run.
    "run",
    "expr",
];

/// What tests rows one by one.
const FILTERS: [&str; 8] = [
    "instr(",
    "strpos(",
    "substr(",
    "right(",
    "EXISTS (",
    "json_each(r.",
    "json_type(r.",
    "]) = ",
];

/// What reads too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The engine has no plan.
    Unexplained(String),
    /// Every row of a table or of an index is read.
    Scan(String),
    /// Every row of a configuration is read, or all of them are sorted.
    Walk(String),
}

/// What a statement reads too much, if anything.
pub(crate) fn judge(indexes: &Indexes, explained: &Explained) -> Option<Fault> {
    if let Some(line) = explained
        .plan
        .iter()
        .find(|line| line.starts_with("no plan"))
    {
        return Some(Fault::Unexplained(line.clone()));
    }
    let postgres = explained.plan.iter().any(|line| {
        [
            "Scan",
            "Insert on",
            "Update on",
            "Delete on",
            "Result",
            "Limit",
            "Aggregate",
        ]
        .iter()
        .any(|node| line.contains(node))
    });
    match postgres {
        true => postgres_fault(indexes, explained),
        false => sqlite_fault(explained),
    }
}

/// Whether what is read in the order of an index ends with the page: nothing is sorted, and nothing
/// is looked for by what no index holds.
fn ends(explained: &Explained, sorted: &[&str]) -> bool {
    explained.statement.contains("LIMIT")
        && !FILTERS
            .iter()
            .any(|filter| explained.statement.contains(filter))
        // A value that no index finds may be anywhere in the order.
        && matches(&explained.statement, &[" = $", " = CAST($", " = ?"])
            <= explained
                .plan
                .iter()
                .filter(|line| !line.trim_start().starts_with("Filter: "))
                .map(|line| matches(line, &["=?", " = '", " = $"]))
                .sum()
        && !explained
            .plan
            .iter()
            .any(|line| sorted.iter().any(|sort| line.contains(sort)))
}

fn matches(text: &str, patterns: &[&str]) -> usize {
    patterns
        .iter()
        .map(|pattern| text.matches(pattern).count())
        .sum()
}

/// The tables behind names, which are aliases or tables.
fn table<'a>(statement: &'a str, name: &'a str) -> &'a str {
    if BIG.contains(&name) {
        return name;
    }
    let words: Vec<&str> = statement
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty() && *word != "AS")
        .collect();
    words
        .windows(2)
        .find(|pair| pair[1] == name && BIG.contains(&pair[0]))
        .map_or("", |pair| pair[0])
}

fn sqlite_fault(explained: &Explained) -> Option<Fault> {
    let ends = ends(
        explained,
        &["TEMP B-TREE FOR ORDER BY", "TEMP B-TREE FOR GROUP BY"],
    );
    for line in &explained.plan {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(verb), Some(name)) = (words.first(), words.get(1)) else {
            continue;
        };
        if table(&explained.statement, name).is_empty()
            || SMALL.iter().any(|index| line.contains(index))
        {
            continue;
        }
        match *verb {
            "SCAN" if !ends => {
                return Some(Fault::Scan(line.clone()));
            }
            "SEARCH" => {
                let (_, columns) = line.rsplit_once('(')?;
                let found = columns
                    .trim_end_matches(')')
                    .split(" AND ")
                    .any(|column| match column.split_once('=') {
                        Some((name, _)) => !BROAD.contains(&name.trim_matches(['<', '>'])),
                        None => {
                            let name = column.split(['<', '>']).next().unwrap_or_default();
                            name.ends_with("_key") || name.ends_with("_at") || name == "at"
                        }
                    });
                if !found && !ends {
                    return Some(Fault::Walk(line.clone()));
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a condition of PostgreSQL finds rows in an index: by the columns that it begins with, of
/// which one says enough.
fn finds(columns: &[String], condition: &str) -> bool {
    for column in columns {
        let mut parts = condition.split(" AND ").filter(|part| {
            let name = part
                .trim_start_matches("(ROW")
                .trim_start_matches(['(', ' ']);
            name.strip_prefix(column.as_str())
                .is_some_and(|rest| rest.starts_with([' ', ')', ':']))
        });
        let Some(part) = parts.next() else {
            return false;
        };
        let broad = BROAD.contains(&column.as_str());
        if part.contains(" = ") {
            if !broad {
                return true;
            }
            continue;
        }
        return !broad && (column.ends_with("_key") || column.ends_with("_at") || column == "at");
    }
    false
}

/// Whether a limit ends what a node of a plan of PostgreSQL reads, before anything collects it all.
fn limited(plan: &[String], at: usize) -> bool {
    let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-', '>']).len();
    let mut inside = plan.get(at).map_or(0, |line| depth(line));
    for line in plan.iter().take(at).rev() {
        let node = line.trim_start_matches([' ', '-', '>']);
        if depth(line) >= inside || node.contains(": ") {
            continue;
        }
        inside = depth(line);
        if node.starts_with("Limit") {
            return true;
        }
        if ["Sort", "Aggregate", "GroupAggregate", "HashAggregate"]
            .iter()
            .any(|collects| node.starts_with(collects))
        {
            return false;
        }
    }
    false
}

fn postgres_fault(indexes: &Indexes, explained: &Explained) -> Option<Fault> {
    let bounded = ends(explained, &[]);
    for (at, line) in explained.plan.iter().enumerate() {
        let node = line.trim_start_matches([' ', '-', '>']);
        if !node.contains("Scan ") || SMALL.iter().any(|index| node.contains(index)) {
            continue;
        }
        let on = node.rsplit_once(" on ").map_or("", |(_, on)| on);
        let on = on.split_whitespace().next().unwrap_or_default();
        let big = BIG.contains(&on) || BIG.iter().any(|table| on.starts_with(table));
        if !big {
            continue;
        }
        if node.starts_with("Seq Scan") || node.starts_with("Parallel Seq Scan") {
            return Some(Fault::Scan(line.clone()));
        }
        // What a sub-select reads is told below it, whatever the sub-select is called.
        if node.starts_with("Bitmap Heap") || node.starts_with("Subquery Scan") {
            continue;
        }
        let ends = bounded && limited(&explained.plan, at);
        let condition = explained.plan.iter().skip(at + 1).take_while(|line| {
            let line = line.trim_start();
            !line.starts_with("->")
        });
        let condition = condition
            .map(|line| line.trim_start())
            .find_map(|line| line.strip_prefix("Index Cond: "));
        let Some(condition) = condition else {
            match ends {
                true => continue,
                false => return Some(Fault::Scan(line.clone())),
            }
        };
        let index = node
            .split(['\u{20}'])
            .find(|word| indexes.contains_key(*word));
        let columns = index.map_or(&[][..], |index| &indexes[index]);
        let found = finds(columns, condition);
        if !found && !ends {
            return Some(Fault::Walk(line.clone()));
        }
    }
    None
}
