//! Searching the provisioning log.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl};
use scim_admin::event::{EventQuery, EventState};
use scim_protocol::text::fold;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{ResourceKind, StoreError};

use crate::connection::Connection;
use crate::key::Key;
use crate::nodes::Number;
use crate::schema::provisioning_events;
use crate::sql::{Dialect, Sql};
use crate::time::millis;
use crate::values::count_of;

/// The statement of a query; `None` where nothing can fit. The page is found in an index alone, and
/// only its entries are read.
pub(super) fn selection(
    connection: &mut Connection,
    query: &EventQuery,
) -> Result<Option<Sql>, StoreError> {
    let Some(bounds) = bounds(connection, query)? else {
        return Ok(None);
    };
    let search = query.search.as_deref().map(str::trim);
    let search = match search.filter(|search| !search.is_empty()) {
        Some(search) => Some(Search::new(connection, search)?),
        None => None,
    };
    let mut sql = connection.sql(ENTRIES);
    sql.push("id IN (");
    // Thousands of texts are made of what may be asked for.
    sql.never_alike();
    let few = selective(query);
    match &search {
        Some(Search::Id(id)) => {
            // Each column has an index, and both together have none.
            for (joined, column) in [("", "resource_id"), (" UNION ", "request_id")] {
                sql.push(joined)
                    .push("SELECT id FROM (SELECT id FROM provisioning_events WHERE ");
                sql.push(column).push(" = ").bind(id);
                if !conditions(&mut sql, query, Steer::Away) {
                    return Ok(None);
                }
                bounds.page(&mut sql, query.limit, column == "request_id");
                sql.push(") AS found");
            }
        }
        Some(Search::Few(from, to)) => {
            sql.push("SELECT id FROM provisioning_events");
            let steered = sql.dialect == Dialect::Sqlite;
            // SQLite takes the index of the name only where it is told to.
            let column = match (steered, few) {
                (true, true) => "+resource_key",
                (true, false) => {
                    sql.push(" INDEXED BY provisioning_events_name");
                    "resource_key"
                }
                (false, _) => "resource_key",
            };
            sql.push(&format!(" WHERE {column} >= ")).bind(from);
            sql.push(&format!(" AND {column} < ")).bind(to);
            let steer = if few { Steer::Few } else { Steer::Away };
            if !conditions(&mut sql, query, steer) {
                return Ok(None);
            }
            bounds.page(&mut sql, query.limit, false);
        }
        Some(Search::Many(key)) => {
            // So many that a page of them is found by going through the log.
            let length = i64::try_from(key.chars().count()).unwrap_or(i64::MAX);
            sql.push("SELECT id FROM provisioning_events WHERE substr(resource_key, 1, ");
            sql.bind_int(length).push(") = ").bind(key);
            if !conditions(&mut sql, query, Steer::Few) {
                return Ok(None);
            }
            bounds.page(&mut sql, query.limit, false);
        }
        None => {
            sql.push("SELECT id FROM provisioning_events");
            if sql.dialect == Dialect::Sqlite
                && !few
                && query.configuration.is_none()
                && query.outcome.is_none()
                && query.action.is_none()
                && query.kind.is_none()
            {
                sql.push(" NOT INDEXED");
            }
            sql.push(" WHERE TRUE");
            let steer = if few { Steer::Few } else { Steer::Free };
            if !conditions(&mut sql, query, steer) {
                return Ok(None);
            }
            bounds.page(&mut sql, query.limit, false);
        }
    }
    let order = match sql.dialect {
        Dialect::Sqlite => "id".to_owned(),
        // The few of the page need no index for their order.
        #[cfg(feature = "postgres")]
        Dialect::Postgres => sql.number_aside("id"),
    };
    sql.push(&format!(") ORDER BY {order} {} LIMIT ", bounds.way()));
    sql.bind(query.limit);
    Ok(Some(sql))
}

/// Whole entries, to be chosen by their ids.
const ENTRIES: &str = "SELECT id, at, configuration_id, configuration_name, request_id, \
     action, resource_type, resource_id, resource_name, mapping_version, outcome, \
     CAST(status AS INTEGER) AS status, scim_type, reason, changes, deviations, duration_micros, \
     source, user_agent, request, detail, stage, cause, actor, occurrences, run, resolved_at, \
     resolved_by FROM provisioning_events WHERE ";

/// What SQLite is kept from taking an index for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steer {
    /// Nothing: the configuration may be what decides.
    Free,
    /// The configuration, which has many entries beside the few of an index of their own.
    Few,
    /// Everything: another index is taken.
    Away,
}

/// Whether a query asks for what has an index of its own because it is rare.
fn selective(query: &EventQuery) -> bool {
    query.state.is_some()
        || query.run.is_some()
        || query.outcome.is_some_and(|one| one != Outcome::Success)
        || query.action.is_some_and(|one| one != Action::Update)
        || query.kind.is_some_and(|one| one != ResourceKind::User)
}

/// What the entries of a query must be; `false` where no entry can.
fn conditions(sql: &mut Sql, query: &EventQuery, steer: Steer) -> bool {
    let sqlite = sql.dialect == Dialect::Sqlite;
    // A plus keeps SQLite from taking an index for a column.
    let away = if sqlite && steer == Steer::Away {
        "+"
    } else {
        ""
    };
    let few = if sqlite && steer != Steer::Free {
        "+"
    } else {
        ""
    };
    let free = if sqlite { "+" } else { "" };
    if let Some(configuration) = query.configuration {
        sql.push(&format!(" AND {few}configuration_id = "))
            .bind(configuration.to_string());
    }
    if let Some(run) = query.run {
        sql.push(&format!(" AND {away}run = "))
            .bind(run.to_string());
    }
    // The words of the indexes, which no bound value is known to fit.
    match (query.state, query.outcome) {
        (None, None) => {}
        (None, Some(outcome)) => {
            sql.push(&format!(" AND {away}outcome = "))
                .bind(outcome.as_str());
            if outcome != Outcome::Success {
                sql.push(" AND outcome <> 'success'");
            }
        }
        (Some(EventState::Open), Some(Outcome::Failure)) => {
            sql.push(" AND outcome = 'failure' AND resolved_at IS NULL");
        }
        (Some(EventState::Open), outcome) => {
            sql.push(" AND outcome IN ('failure', 'warning') AND resolved_at IS NULL");
            if let Some(outcome) = outcome {
                if outcome != Outcome::Warning {
                    return false;
                }
                sql.push(" AND outcome = ").bind(outcome.as_str());
            }
        }
        (Some(EventState::Resolved), outcome) => {
            sql.push(" AND resolved_at IS NOT NULL");
            if let Some(outcome) = outcome {
                sql.push(" AND outcome = ").bind(outcome.as_str());
            }
        }
    }
    if let Some(action) = query.action {
        sql.push(&format!(" AND {away}action = "))
            .bind(action.as_str());
        if action != Action::Update {
            sql.push(" AND action <> 'update'");
        }
    }
    if let Some(kind) = query.kind {
        sql.push(&format!(" AND {away}resource_type = "))
            .bind(kind.as_str());
        if kind != ResourceKind::User {
            sql.push(" AND resource_type <> 'User'");
        }
    }
    if let Some(since) = query.since {
        sql.push(&format!(" AND {free}at >= ")).bind(millis(since));
    }
    if let Some(until) = query.until {
        sql.push(&format!(" AND {free}at < ")).bind(millis(until));
    }
    true
}

/// Between which entries a page is looked for, and in which order.
struct Bounds {
    low: Option<i64>,
    high: Option<i64>,
    newest_first: bool,
}

/// The bounds of a query; `None` where nothing can be between them.
fn bounds(connection: &mut Connection, query: &EventQuery) -> Result<Option<Bounds>, StoreError> {
    let (mut low, mut high) = (query.after.filter(|_| query.before.is_none()), query.before);
    let newest_first = low.is_none();
    // Ids grow with time, but for transactions that ran side by side.
    if let Some(since) = query.since {
        let Some(first) = first_since(connection, since)? else {
            return Ok(None);
        };
        low = low.max(Some(first - BESIDE));
    }
    if let Some(until) = query.until
        && let Some(first) = first_since(connection, until)?
    {
        high = Some(high.map_or(first + BESIDE, |id| id.min(first + BESIDE)));
    }
    Ok(Some(Bounds {
        low,
        high,
        newest_first,
    }))
}

impl Bounds {
    /// Appends the page of what is looked through in its order, or of what an index found that has
    /// no order.
    fn page(&self, sql: &mut Sql, limit: i64, found: bool) {
        if let Some(low) = self.low {
            sql.push(" AND id > ").bind(low);
        }
        if let Some(high) = self.high {
            sql.push(" AND id < ").bind(high);
        }
        let id = match found {
            true => sql.number_aside("id"),
            false => "id".to_owned(),
        };
        sql.push(&format!(" ORDER BY {id} {} LIMIT ", self.way()));
        sql.bind(limit);
    }

    fn way(&self) -> &'static str {
        match self.newest_first {
            true => "DESC",
            false => "ASC",
        }
    }
}

/// The first entry at a time or later.
fn first_since(connection: &mut Connection, at: DateTime<Utc>) -> Result<Option<i64>, StoreError> {
    let first = provisioning_events::table
        .filter(provisioning_events::at.ge(millis(at)))
        .order(provisioning_events::at)
        .limit(1)
        .select(provisioning_events::id);
    connection.first(first)
}

/// What a text looks for: an id is looked for as one, any other is how the name of a resource
/// begins.
enum Search {
    /// A resource or a request.
    Id(String),
    /// Names between two, of which there are few enough to be sorted.
    Few(String, String),
    /// Names that begin so, of which there are many.
    Many(String),
}

impl Search {
    fn new(connection: &mut Connection, search: &str) -> Result<Self, StoreError> {
        if uuid::Uuid::try_parse(search).is_ok() {
            return Ok(Self::Id(search.to_ascii_lowercase()));
        }
        let key = Key::beginning(&fold(search)).to_owned();
        let end = format!("{key}\u{10ffff}");
        let named = provisioning_events::table
            .filter(provisioning_events::resource_key.ge(&key))
            .filter(provisioning_events::resource_key.lt(&end))
            .limit(NAMED)
            .select(Number::<1>);
        let found: Option<i64> = connection.first(count_of(named))?;
        Ok(match found.is_some_and(|found| found < NAMED) {
            true => Self::Few(key, end),
            false => Self::Many(key),
        })
    }
}

/// How far ids may be out of the order of time.
const BESIDE: i64 = 1_000;
/// How many entries of a name are sorted rather than looked for in the order of the log.
const NAMED: i64 = 50_000;

#[cfg(test)]
pub(crate) mod tests {
    use diesel::sql_types::Text;
    use scim_provisioning::ConfigurationId;

    use super::*;
    use crate::tests::in_memory;

    #[derive(diesel::QueryableByName)]
    struct StepRow {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    fn plan(connection: &mut Connection, query: &EventQuery) -> String {
        let sql = selection(connection, query).unwrap().unwrap().explained();
        let steps: Vec<StepRow> = connection.rows(&sql).unwrap();
        let steps: Vec<String> = steps.into_iter().map(|step| step.detail).collect();
        steps.join("; ")
    }

    fn the_few_entries_of_a_state_are_read_from_an_index_in_their_order() {
        let mut connection = in_memory();
        let own = Some(ConfigurationId::new());
        let (open, resolved) = (Some(EventState::Open), Some(EventState::Resolved));
        for (state, outcome, configuration, index) in [
            (open, Some("failure"), None, "provisioning_events_failures"),
            (open, Some("failure"), own, "provisioning_events_failures"),
            (open, None, None, "provisioning_events_open"),
            (open, None, own, "provisioning_events_open"),
            (open, Some("warning"), own, "provisioning_events_open"),
            (resolved, None, None, "provisioning_events_resolved"),
            (resolved, None, own, "provisioning_events_resolved"),
            (None, Some("failure"), None, "provisioning_events_rare"),
            (None, None, own, "provisioning_events_configuration"),
            (None, None, None, "INTEGER PRIMARY KEY"),
        ] {
            for (after, before) in [(None, Some(i64::MAX)), (Some(0), None), (None, None)] {
                let query = EventQuery {
                    state,
                    configuration,
                    outcome: outcome.and_then(Outcome::parse),
                    after,
                    before,
                    limit: 5,
                    ..EventQuery::default()
                };
                let plan = plan(&mut connection, &query);
                let whole = (index, after, before) == ("INTEGER PRIMARY KEY", None, None);
                assert!(plan.contains(index) || whole, "{query:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            }
        }
    }

    fn what_is_rare_or_named_is_found_in_an_index_alone() {
        let mut connection = in_memory();
        let own = Some(ConfigurationId::new());
        let id = uuid::Uuid::new_v4().to_string();
        for (outcome, action, kind, search, indexes) in [
            (None, Some("link"), None, None, &["action"][..]),
            (Some("success"), Some("delete"), None, None, &["action"]),
            (None, None, Some("Group"), None, &["kind"]),
            (Some("held"), None, None, Some("ava"), &["rare"]),
            (None, Some("delete"), None, Some("ava"), &["action"]),
            (None, None, None, Some("ava"), &["name"]),
            (
                Some("success"),
                Some("update"),
                Some("User"),
                Some("ava"),
                &["name"],
            ),
            (
                Some("failure"),
                Some("link"),
                None,
                Some(&*id),
                &["resource", "request"],
            ),
        ] {
            for configuration in [None, own] {
                let query = EventQuery {
                    configuration,
                    outcome: outcome.and_then(Outcome::parse),
                    action: action.and_then(Action::parse),
                    kind: kind.and_then(ResourceKind::parse),
                    search: search.map(str::to_owned),
                    since: None,
                    before: Some(i64::MAX),
                    limit: 5,
                    ..EventQuery::default()
                };
                let plan = plan(&mut connection, &query);
                for index in indexes {
                    let index = format!("INDEX provisioning_events_{index} ");
                    assert!(plan.contains(&index), "{query:?}: {plan}");
                }
                let covering = plan.matches("COVERING INDEX").count();
                assert!(covering > 0 || search == Some(&id), "{query:?}: {plan}");
            }
        }
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: the_few_entries_of_a_state_are_read_from_an_index_in_their_order, what_is_rare_or_named_is_found_in_an_index_alone;
        }
    }
}
