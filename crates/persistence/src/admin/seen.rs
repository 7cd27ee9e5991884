//! Rows of `attributes_seen`.

use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::mapping::ReceivedAttribute;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, ResourceKind, StoreError};

use crate::connection::Connection;
use crate::schema::attributes_seen;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = attributes_seen)]
struct SeenRow {
    path: String,
    value_type: String,
    times: i64,
    last_seen_at: i64,
    sample: String,
}

/// Adds to what was seen. A configuration that is gone meanwhile, and what is more than a table
/// may hold of one, is left out.
pub(super) fn note(connection: &mut Connection, seen: &[SeenAttribute]) -> Result<(), StoreError> {
    for attribute in seen {
        let count = i64::try_from(attribute.count).unwrap_or(i64::MAX);
        let mut sql = connection.sql(
            "INSERT INTO attributes_seen (configuration_id, resource, path, value_type, times, \
             last_seen_at, sample) SELECT c.id, ",
        );
        sql.bind(name(attribute.kind));
        sql.push(", ").bind(&attribute.path);
        sql.push(", ").bind(attribute.value_type);
        sql.push(", ").bind(count);
        sql.push(", ").bind(millis(attribute.last_seen));
        sql.push(", ").bind(&attribute.sample);
        sql.push(" FROM provisioning_configurations c WHERE c.id = ");
        sql.bind(attribute.configuration.to_string());
        sql.push(
            " AND (SELECT count(*) FROM attributes_seen s WHERE s.configuration_id = c.id \
             AND s.path <> ",
        );
        sql.bind(&attribute.path).push(") < ").bind(KEPT);
        sql.push(
            " ON CONFLICT (configuration_id, resource, path) DO UPDATE SET \
             times = attributes_seen.times + excluded.times, \
             last_seen_at = excluded.last_seen_at, value_type = excluded.value_type, \
             sample = excluded.sample",
        );
        connection.execute(&sql)?;
    }
    Ok(())
}

pub(super) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
    resource: ResourceKind,
) -> Result<Vec<ReceivedAttribute>, StoreError> {
    let kind = resource;
    let query = attributes_seen::table
        .filter(attributes_seen::configuration_id.eq(configuration.to_string()))
        .filter(attributes_seen::resource.eq(name(kind)))
        .order((attributes_seen::times.desc(), attributes_seen::path))
        .select(SeenRow::as_select());
    let rows: Vec<SeenRow> = connection.load(query)?;
    Ok(rows
        .into_iter()
        .map(|row| ReceivedAttribute {
            path: row.path,
            value_type: row.value_type,
            count: row.times,
            last_seen: instant(row.last_seen_at),
            sample: row.sample,
            mapped: false,
        })
        .collect())
}

fn name(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    }
}

/// Paths of one configuration at most.
const KEPT: i64 = 500;
