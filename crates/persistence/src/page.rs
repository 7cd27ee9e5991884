//! Pages of a table: condition, order, and from where on.

use scim_protocol::filter::Target;
use scim_provisioning::directory::{From, Keyset, Selected, Selection, Sort};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use serde_json::Value;

use diesel::sql_types::BigInt;

use crate::condition::{ConditionWriter, literal, path, sqlite_path};
use crate::connection::Connection;
use crate::sql::{Dialect, Sql};
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

/// The rows of a page, how many there are in all, and the place of the last row when more follow.
///
/// `columns` are the columns of the table under its alias `r`; the query adds `sort_text`.
pub(crate) fn select<R: crate::connection::Row + Placed>(
    connection: &mut Connection,
    kind: ResourceKind,
    scope: Scope,
    base_url: &str,
    columns: &str,
    selection: &Selection,
) -> Result<Selected<R>, StoreError> {
    let table = match kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "groups",
    };
    let restrict = |sql: &mut Sql| {
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
    };
    let mut counting = connection.sql("SELECT count(*) AS count");
    restrict(&mut counting);
    let total = connection
        .row::<Count>(&counting)?
        .map_or(0, |row| row.count);
    let total = u64::try_from(total).unwrap_or(0);
    if selection.count == 0 || total == 0 {
        return Ok(Selected {
            total,
            items: Vec::new(),
            next: None,
        });
    }
    let order = selection.sort.as_ref().map(|sort| {
        (
            expression(connection.dialect(), kind, sort),
            sort.descending,
        )
    });
    let mut sql = connection.sql(&format!("SELECT {columns}, "));
    match &order {
        Some((expression, _)) => sql.push(&format!("CAST({expression} AS TEXT)")),
        None => sql.push("CAST(NULL AS TEXT)"),
    };
    sql.push(" AS sort_text");
    restrict(&mut sql);
    if let From::After(keyset) = &selection.from {
        sql.push(" AND ");
        behind(&mut sql, order.as_ref(), keyset);
    }
    sql.push(" ORDER BY ");
    if let Some((expression, descending)) = &order {
        let way = if *descending { "DESC" } else { "ASC" };
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
    let mut items: Vec<R> = connection.rows(&sql)?;
    let more = items.len() > selection.count;
    items.truncate(selection.count);
    let next = match items.last().filter(|_| more) {
        Some(last) => place(last),
        None => None,
    };
    Ok(Selected { total, items, next })
}

fn place(row: &impl Placed) -> Option<Keyset> {
    Some(Keyset {
        key: row.sort_text().map_or(Value::Null, Value::from),
        id: ResourceId::parse(row.id())?,
    })
}

/// Behind a place in the order. Missing values come last ascending and first descending.
fn behind(sql: &mut Sql, order: Option<&(String, bool)>, keyset: &Keyset) {
    let id = keyset.id.to_string();
    let Some((expression, descending)) = order else {
        sql.push("r.id > ").bind(id);
        return;
    };
    let text = format!("CAST({expression} AS TEXT)");
    match (keyset.key.as_str(), descending) {
        (Some(key), false) => {
            sql.push(&format!("({expression} IS NULL OR {text} > "))
                .bind(key);
            sql.push(&format!(" OR ({text} = ")).bind(key);
            sql.push(" AND r.id > ").bind(id).push("))");
        }
        (Some(key), true) => {
            sql.push(&format!("({text} < ")).bind(key);
            sql.push(&format!(" OR ({text} = ")).bind(key);
            sql.push(" AND r.id > ").bind(id).push("))");
        }
        (None, false) => {
            sql.push(&format!("({expression} IS NULL AND r.id > "))
                .bind(id)
                .push(")");
        }
        (None, true) => {
            sql.push(&format!("({expression} IS NOT NULL OR r.id > "))
                .bind(id)
                .push(")");
        }
    }
}

/// What a sort order compares: bytes of text.
fn expression(dialect: Dialect, kind: ResourceKind, sort: &Sort) -> String {
    let expression =
        column(kind, &sort.target).unwrap_or_else(|| in_document(dialect, &sort.target));
    match dialect {
        Dialect::Sqlite => expression,
        #[cfg(feature = "postgres")]
        Dialect::Postgres => format!("({expression}) COLLATE \"C\""),
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
fn in_document(dialect: Dialect, target: &Target) -> String {
    let mut names = path(target, false);
    if target.multi_valued {
        names.push("0".to_owned());
    }
    names.extend(target.sub_attribute.as_deref().map(str::to_owned));
    match dialect {
        Dialect::Sqlite => {
            let path = literal(&sqlite_path(&names));
            format!("CAST(json_extract(r.search_document, {path}) AS TEXT)")
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            format!(
                "r.search_document #>> {}",
                crate::condition::postgres_path(&names)
            )
        }
    }
}
