//! Pages of a table: condition, order, and from where on.

use scim_protocol::filter::{Condition, Target};
use scim_provisioning::directory::{From, Keyset, Selected, Selection, Sort};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use serde_json::Value;

use diesel::sql_types::{BigInt, Nullable, Text};

use super::condition::ConditionWriter;
use super::entrance::{Entrance, entrance};
use super::look_up::Lookup;
use super::manager;
use super::path::{literal, names, sqlite_path};
use super::walk::Walk;
use crate::connection::{Connection, QUERY_TIME};
use crate::error::unreadable;
use crate::scope::{all_visible, visible};
use crate::sql::{Dialect, Sql};
use crate::totals::{self, Totals};

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Where a row of a page stands in the order.
#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    sort_text: Option<String>,
}

/// Where the resources of a page stand in the order, how many there are in all, and the place of the
/// last one when more follow. No row is read that an index can do without.
pub(crate) fn find(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    base_url: &str,
    selection: &Selection,
) -> Result<Selected<Keyset>, StoreError> {
    let chosen = Chosen {
        kind,
        scope,
        base_url,
        condition: selection.condition.as_ref(),
    };
    if let Some(condition) = chosen.condition.filter(|_| chosen.entrance().is_none()) {
        totals::check_width(connection, scope.configuration(), kind, condition.terms())?;
    }
    let _walk = match chosen.walks(connection, selection) {
        true => Some(Walk::begin(scope.configuration(), QUERY_TIME)?),
        false => None,
    };
    let mut keys = match selection.count {
        0 => Vec::new(),
        _ => chosen.keys(connection, selection)?,
    };
    let complete = selection.count > 0 && keys.len() <= selection.count;
    let total = match (&selection.condition, &selection.from) {
        (None, _) => Totals::of(connection, scope.configuration())?.visible(kind),
        // All that there are have been found.
        (Some(_), From::Offset(offset)) if complete && (*offset == 0 || !keys.is_empty()) => {
            offset + u64::try_from(keys.len()).unwrap_or(0)
        }
        (Some(_), _) => chosen.total(connection)?,
    };
    let more = keys.len() > selection.count;
    keys.truncate(selection.count);
    let items: Vec<Keyset> = keys.iter().map(place).collect::<Result<_, StoreError>>()?;
    let next = items.last().filter(|_| more).cloned();
    Ok(Selected { total, items, next })
}

fn table(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "groups",
    }
}

/// The rows of a table that a page is one of.
struct Chosen<'a> {
    kind: ResourceKind,
    scope: Scope,
    base_url: &'a str,
    condition: Option<&'a Condition>,
}

impl Chosen<'_> {
    fn restrict(&self, sql: &mut Sql) {
        sql.push(&format!(" FROM {} r WHERE ", table(self.kind)));
        match self.entrance() {
            Some(Entrance::Key) => visible(sql, self.kind, self.scope, "r"),
            Some(Entrance::Time) | None => all_visible(sql, self.kind, self.scope, "r"),
        }
        if let Some(condition) = self.condition {
            // A match by a key comes with every sync; what else clients think of, nobody knows.
            if Lookup::of(self.kind, condition).is_none() {
                sql.never_alike();
            }
            sql.push(" AND ");
            ConditionWriter {
                sql,
                kind: self.kind,
                scope: self.scope,
                base_url: self.base_url,
            }
            .write(condition);
        }
    }

    /// What finds the rows, if not a walk through all of them.
    fn entrance(&self) -> Option<Entrance> {
        entrance(self.kind, self.condition?)
    }

    /// Whether it takes a look at every resource to find the page.
    fn walks(&self, connection: &Connection, selection: &Selection) -> bool {
        let order = selection.sort.as_ref();
        let order = order.map(|sort| Order::new(connection.dialect(), self.kind, sort));
        self.entrance().is_none()
            && (self.condition.is_some() || matches!(order, Some(Order::Expression(_))))
    }

    fn total(&self, connection: &mut Connection) -> Result<u64, StoreError> {
        let mut sql = connection.sql("SELECT count(*) AS count");
        self.restrict(&mut sql);
        let total = connection
            .budgeted(|connection| connection.row::<Count>(&sql))?
            .map_or(0, |row| row.count);
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// The keys of a page, and one more when more follow.
    fn keys(
        &self,
        connection: &mut Connection,
        selection: &Selection,
    ) -> Result<Vec<KeyRow>, StoreError> {
        let order = match &selection.sort {
            Some(sort) => Order::new(connection.dialect(), self.kind, sort),
            None => Order::by_id(),
        };
        let mut sql = connection.sql(&format!("SELECT r.id, {} AS sort_text", order.text()));
        if let Order::Expression(_) = order {
            sql.never_alike();
        }
        self.restrict(&mut sql);
        if let From::After(keyset) = &selection.from {
            sql.push(" AND ");
            order.behind(&mut sql, self.scope, keyset);
        }
        order.push(&mut sql, self.entrance().is_some());
        sql.push(" LIMIT ");
        sql.bind(i64::try_from(selection.count).unwrap_or(i64::MAX - 1) + 1);
        if let From::Offset(offset) = selection.from {
            sql.push(" OFFSET ");
            sql.bind(i64::try_from(offset).unwrap_or(i64::MAX));
        }
        connection.budgeted(|connection| connection.rows(&sql))
    }
}

fn place(key: &KeyRow) -> Result<Keyset, StoreError> {
    Ok(Keyset {
        key: key.sort_text.as_deref().map_or(Value::Null, Value::from),
        id: ResourceId::parse(&key.id).ok_or_else(|| unreadable("id"))?,
    })
}

/// A sort order in SQL.
enum Order {
    /// By a column that every row has, in an index of its own.
    Column(Column),
    /// By what some rows may have.
    Expression(Expression),
}

/// A column that every row has.
struct Column {
    name: &'static str,
    values: Values,
    descending: bool,
}

/// What is in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// The id of the row.
    Id,
    /// Text that no two rows of a configuration share.
    Unique,
    /// Numbers.
    Numbers,
}

struct Expression {
    /// What is sorted by.
    expression: String,
    /// The same as text, which loses nothing of it.
    text: String,
    /// What a key is compared with.
    compared: String,
    numeric: bool,
    descending: bool,
}

impl Order {
    fn by_id() -> Self {
        Self::Column(Column {
            name: "r.id",
            values: Values::Id,
            descending: false,
        })
    }

    fn new(dialect: Dialect, kind: ResourceKind, sort: &Sort) -> Self {
        match Column::new(kind, sort) {
            Some(column) => Self::Column(column),
            None => Self::Expression(Expression::new(dialect, kind, sort)),
        }
    }

    /// What a cursor keeps of a row's place beside its id.
    fn text(&self) -> String {
        match self {
            Self::Column(column) if column.values == Values::Id => "CAST(NULL AS TEXT)".to_owned(),
            Self::Column(column) => format!("CAST({} AS TEXT)", column.name),
            Self::Expression(expression) => expression.text.clone(),
        }
    }

    /// Appends the order; where something else finds the rows, they are sorted afterwards, and no
    /// index is walked for their order.
    fn push(&self, sql: &mut Sql, found: bool) {
        let way = |descending: bool| if descending { "DESC" } else { "ASC" };
        let order = match self {
            Self::Column(column) => {
                let (name, beside) = match column.values {
                    Values::Numbers => (column.name.to_owned(), ", r.id"),
                    _ if found => (sql.aside(column.name), ""),
                    _ => (column.name.to_owned(), ""),
                };
                format!("{name} {}{beside}", way(column.descending))
            }
            Self::Expression(expression) => {
                let (way, by) = (way(expression.descending), &expression.expression);
                match sql.dialect {
                    Dialect::Sqlite => format!("({by} IS NULL) {way}, {by} {way}, r.id"),
                    // It has missing values last by itself, and first in descending order.
                    #[cfg(feature = "postgres")]
                    Dialect::Postgres => format!("{by} {way}, r.id"),
                }
            }
        };
        sql.push(" ORDER BY ").push(&order);
    }

    /// Behind a place in the order.
    fn behind(&self, sql: &mut Sql, scope: Scope, keyset: &Keyset) {
        match self {
            Self::Column(column) => column.behind(sql, scope, keyset),
            Self::Expression(expression) => expression.behind(sql, keyset),
        }
    }
}

impl Column {
    fn new(kind: ResourceKind, sort: &Sort) -> Option<Self> {
        let target = &sort.key.target;
        if target.extension.is_some() {
            return None;
        }
        let sub = target.sub_attribute.as_deref();
        let (name, values) = match (kind, &*target.attribute, sub) {
            (_, "id", _) | (_, "meta", Some("location")) => ("r.id", Values::Id),
            (ResourceKind::User, "userName", _) => ("r.scim_user_name_key", Values::Unique),
            (ResourceKind::Group, "displayName", _) => ("r.scim_name_key", Values::Unique),
            (_, "meta", Some("lastModified")) => ("r.updated_at", Values::Numbers),
            _ => return None,
        };
        Some(Self {
            name,
            values,
            descending: sort.descending,
        })
    }

    fn behind(&self, sql: &mut Sql, scope: Scope, keyset: &Keyset) {
        let (name, id) = (self.name, keyset.id.to_string());
        let further = if self.descending { "<" } else { ">" };
        let key = match (self.values, keyset.key.as_str()) {
            (Values::Id, _) | (_, None) => {
                // In the index of the configuration, and not in that of all ids.
                sql.push(&format!("(r.managed_by, r.id) {further} ("));
                sql.bind(scope.configuration().to_string());
                sql.push(", ").bind(id).push(")");
                return;
            }
            (Values::Unique, Some(key)) => {
                sql.push(&format!("{name} {further} ")).bind(key);
                return;
            }
            (Values::Numbers, Some(key)) => key.parse::<i64>().unwrap_or_default(),
        };
        // The first comparison is where an index begins.
        sql.push(&format!("{name} {further}= ")).bind(key);
        sql.push(&format!(" AND ({name} {further} ")).bind(key);
        sql.push(" OR r.id > ").bind(id).push(")");
    }
}

impl Expression {
    fn new(dialect: Dialect, kind: ResourceKind, sort: &Sort) -> Self {
        let target = &sort.key.target;
        let descending = sort.descending;
        if sort.key.numeric {
            let (expression, text) = number(dialect, target);
            return Self {
                compared: expression.clone(),
                expression,
                text,
                numeric: true,
                descending,
            };
        }
        let expression = match manager::is_reference(target) {
            true => manager::seen(dialect),
            false => column(kind, target).unwrap_or_else(|| in_document(dialect, target)),
        };
        let expression = match dialect {
            Dialect::Sqlite => expression,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => format!("({expression}) COLLATE \"C\""),
        };
        let text = format!("CAST({expression} AS TEXT)");
        Self {
            compared: text.clone(),
            expression,
            text,
            numeric: false,
            descending,
        }
    }

    /// The key of a place; `None` for a missing value.
    fn key<'k>(&self, key: &'k Value) -> Option<SortKey<'k>> {
        let text = key.as_str()?;
        match self.numeric {
            true => Some(SortKey::Number(serde_json::from_str(text).ok()?)),
            false => Some(SortKey::Text(text)),
        }
    }

    /// Missing values come last ascending and first descending.
    fn behind(&self, sql: &mut Sql, keyset: &Keyset) {
        let (id, expression) = (keyset.id.to_string(), &self.expression);
        let Some(key) = self.key(&keyset.key) else {
            let there = if self.descending {
                "IS NOT NULL OR"
            } else {
                "IS NULL AND"
            };
            sql.push(&format!("({expression} {there} r.id > "))
                .bind(id)
                .push(")");
            return;
        };
        let further = if self.descending {
            format!("({} < ", self.compared)
        } else {
            format!("({expression} IS NULL OR {} > ", self.compared)
        };
        key.bind(sql.push(&further));
        key.bind(sql.push(&format!(" OR ({} = ", self.compared)));
        sql.push(" AND r.id > ").bind(id).push("))");
    }
}

/// A number of the document, and the text that JSON has of it.
fn number(dialect: Dialect, target: &Target) -> (String, String) {
    let names = names(target);
    match dialect {
        Dialect::Sqlite => {
            let path = literal(&sqlite_path(&names));
            let when = format!(
                "CASE WHEN json_type(r.search_document, {path}) IN ('integer', 'real') THEN"
            );
            (
                format!("{when} json_extract(r.search_document, {path}) END"),
                format!("{when} (r.search_document -> {path}) END"),
            )
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let path = super::path::postgres_path(&names);
            let text = format!(
                "CASE WHEN jsonb_typeof(r.search_document #> {path}) = 'number' \
                 THEN r.search_document #>> {path} END"
            );
            (format!("CAST({text} AS numeric)"), text)
        }
    }
}

/// What the place of a resource in an order is known by.
enum SortKey<'k> {
    Text(&'k str),
    Number(serde_json::Number),
}

impl SortKey<'_> {
    fn bind(&self, sql: &mut Sql) {
        match self {
            Self::Text(text) => sql.bind(*text),
            Self::Number(number) => sql.bind_number(number),
        };
    }
}

/// What has no index of its own, but a column.
fn column(kind: ResourceKind, target: &Target) -> Option<String> {
    if target.extension.is_some() {
        return None;
    }
    let sub = target.sub_attribute.as_deref();
    let column = match (kind, &*target.attribute, sub) {
        (_, "externalId", _) => "r.external_id",
        // Milliseconds have as many digits for centuries, so that their text sorts as they do.
        (_, "meta", Some("created")) => "CAST(r.created_at AS TEXT)",
        // These have no order of their own.
        (_, "meta" | "groups" | "members", _) => "NULL",
        _ => return None,
    };
    Some(column.to_owned())
}

fn in_document(dialect: Dialect, target: &Target) -> String {
    let names = names(target);
    match dialect {
        Dialect::Sqlite => {
            let path = literal(&sqlite_path(&names));
            format!("CAST(json_extract(r.search_document, {path}) AS TEXT)")
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            format!(
                "r.search_document #>> {}",
                super::path::postgres_path(&names)
            )
        }
    }
}
