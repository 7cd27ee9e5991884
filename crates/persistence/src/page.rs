//! Pages of a table: condition, order, and from where on.

use scim_protocol::filter::Target;
use scim_provisioning::directory::{From, Keyset, Selected, Selection, Sort};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use serde_json::Value;

use diesel::sql_types::BigInt;

use crate::condition::ConditionWriter;
use crate::connection::Connection;
use crate::path::{literal, path, sqlite_path};
use crate::sql::{Bind, Dialect, Sql};
use crate::view::visible;

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A row that knows its place in an order.
pub(crate) trait Placed {
    fn id(&self) -> &str;
    fn sort_text(&self) -> Option<&str>;
}

fn restrict(
    sql: &mut Sql,
    kind: ResourceKind,
    scope: Scope,
    base_url: &str,
    selection: &Selection,
) {
    let table = match kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "groups",
    };
    sql.push(&format!(" FROM {table} r WHERE "));
    visible(sql, kind, scope, "r");
    if let Some(condition) = &selection.condition {
        sql.push(" AND ");
        ConditionWriter {
            sql,
            kind,
            scope,
            base_url,
        }
        .write(condition);
    }
}

/// How many rows there are in all.
pub(crate) fn count(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    base_url: &str,
    selection: &Selection,
) -> Result<u64, StoreError> {
    let mut counting = connection.sql("SELECT count(*) AS count");
    restrict(&mut counting, kind, scope, base_url, selection);
    let total = connection
        .budgeted(|connection| connection.row::<Count>(&counting))?
        .map_or(0, |row| row.count);
    Ok(u64::try_from(total).unwrap_or(0))
}

/// The rows of a page, and the place of the last row when more follow; `total` is how many there
/// are in all.
///
/// `columns` are the columns of the table under its alias `r`; the query adds `sort_text`.
pub(crate) fn select<R: crate::connection::Row + Placed>(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    base_url: &str,
    columns: &str,
    selection: &Selection,
    total: u64,
) -> Result<Selected<R>, StoreError> {
    if selection.count == 0 || total == 0 {
        return Ok(Selected {
            total,
            items: Vec::new(),
            next: None,
        });
    }
    let order = selection
        .sort
        .as_ref()
        .map(|sort| Order::new(connection.dialect(), kind, sort));
    let mut sql = connection.sql(&format!("SELECT {columns}, "));
    match &order {
        Some(order) => sql.push(&order.text),
        None => sql.push("CAST(NULL AS TEXT)"),
    };
    sql.push(" AS sort_text");
    restrict(&mut sql, kind, scope, base_url, selection);
    if let From::After(keyset) = &selection.from {
        sql.push(" AND ");
        behind(&mut sql, order.as_ref(), keyset);
    }
    sql.push(" ORDER BY ");
    if let Some(order) = &order {
        let expression = &order.expression;
        let way = if order.descending { "DESC" } else { "ASC" };
        sql.push(&format!(
            "({expression} IS NULL) {way}, {expression} {way}, "
        ));
    }
    sql.push("r.id LIMIT ");
    sql.bind(i64::try_from(selection.count).unwrap_or(i64::MAX - 1) + 1);
    if let From::Offset(offset) = selection.from {
        sql.push(" OFFSET ");
        sql.bind(i64::try_from(offset).unwrap_or(i64::MAX));
    }
    let mut items: Vec<R> = connection.budgeted(|connection| connection.rows(&sql))?;
    let more = items.len() > selection.count;
    items.truncate(selection.count);
    let next = match items.last().filter(|_| more) {
        Some(last) => place(last),
        None => None,
    };
    Ok(Selected { total, items, next })
}

pub(crate) fn place(row: &impl Placed) -> Option<Keyset> {
    Some(Keyset {
        key: row.sort_text().map_or(Value::Null, Value::from),
        id: ResourceId::parse(row.id())?,
    })
}

/// Behind a place in the order. Missing values come last ascending and first descending.
fn behind(sql: &mut Sql, order: Option<&Order>, keyset: &Keyset) {
    let id = keyset.id.to_string();
    let Some(order) = order else {
        sql.push("r.id > ").bind(id);
        return;
    };
    let expression = &order.expression;
    let Some(key) = order.key(&keyset.key) else {
        let there = if order.descending {
            "IS NOT NULL OR"
        } else {
            "IS NULL AND"
        };
        sql.push(&format!("({expression} {there} r.id > "))
            .bind(id)
            .push(")");
        return;
    };
    let further = if order.descending {
        format!("({} < ", order.compared)
    } else {
        format!("({expression} IS NULL OR {} > ", order.compared)
    };
    sql.push(&further).bind(key.clone());
    sql.push(&format!(" OR ({} = ", order.compared)).bind(key);
    sql.push(" AND r.id > ").bind(id).push("))");
}

/// A sort order in SQL.
struct Order {
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
        let expression = column(kind, target).unwrap_or_else(|| in_document(dialect, target));
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
    fn key(&self, key: &Value) -> Option<Bind> {
        let text = key.as_str()?;
        match self.numeric {
            true => Some(text.parse::<f64>().ok()?.into()),
            false => Some(text.into()),
        }
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
                format!("{when} CAST(json_extract(r.search_document, {path}) AS REAL) END"),
                format!("{when} (r.search_document -> {path}) END"),
            )
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let path = crate::path::postgres_path(&names);
            let text = format!(
                "CASE WHEN jsonb_typeof(r.search_document #> {path}) = 'number' \
                 THEN r.search_document #>> {path} END"
            );
            (format!("CAST({text} AS double precision)"), text)
        }
    }
}

fn column(kind: ResourceKind, target: &Target) -> Option<String> {
    if target.extension.is_some() {
        return None;
    }
    let sub = target.sub_attribute.as_deref();
    let column = match (kind, &*target.attribute, sub) {
        (_, "id", _) | (_, "meta", Some("location")) => "r.id",
        (_, "externalId", _) => "r.external_id",
        (ResourceKind::User, "userName", _) => "r.scim_user_name_key",
        (ResourceKind::Group, "displayName", _) => "r.scim_name_key",
        // Milliseconds have as many digits for centuries, so that their text sorts as they do.
        (_, "meta", Some("created")) => "CAST(r.created_at AS TEXT)",
        (_, "meta", Some("lastModified")) => "CAST(r.updated_at AS TEXT)",
        // These have no order of their own.
        (_, "meta" | "groups" | "members", _) => "NULL",
        _ => return None,
    };
    Some(column.to_owned())
}

/// Of a multi-valued attribute the first value counts, which is the primary one if there is any.
fn names(target: &Target) -> Vec<String> {
    let mut names = path(target, false);
    if target.multi_valued {
        names.push("0".to_owned());
    }
    names.extend(target.sub_attribute.as_deref().map(str::to_owned));
    names
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
                crate::path::postgres_path(&names)
            )
        }
    }
}
