//! Rows of `attributes_seen`.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use scim_admin::mapping::ReceivedAttribute;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, ResourceKind, StoreError};

use crate::connection::Connection;
use crate::schema::{attributes_seen, provisioning_configurations};
use crate::time::{instant, millis};
use crate::writes::{excluded, insert_from, on_conflict};

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
        let others = attributes_seen::table
            .filter(attributes_seen::configuration_id.eq(provisioning_configurations::id))
            .filter(attributes_seen::path.ne(&attribute.path))
            .select(count_star())
            .single_value();
        let row = provisioning_configurations::table
            .filter(provisioning_configurations::id.eq(attribute.configuration.to_string()))
            .filter(others.lt(KEPT))
            .select((
                provisioning_configurations::id,
                name(attribute.kind).into_sql::<Text>(),
                (&attribute.path).into_sql::<Text>(),
                attribute.value_type.into_sql::<Text>(),
                count.into_sql::<BigInt>(),
                millis(attribute.last_seen).into_sql::<BigInt>(),
                (&attribute.sample).into_sql::<Text>(),
            ));
        let columns = (
            attributes_seen::configuration_id,
            attributes_seen::resource,
            attributes_seen::path,
            attributes_seen::value_type,
            attributes_seen::times,
            attributes_seen::last_seen_at,
            attributes_seen::sample,
        );
        let key = (
            attributes_seen::configuration_id,
            attributes_seen::resource,
            attributes_seen::path,
        );
        let again = (
            attributes_seen::times.eq(attributes_seen::times + excluded(attributes_seen::times)),
            attributes_seen::last_seen_at.eq(excluded(attributes_seen::last_seen_at)),
            attributes_seen::value_type.eq(excluded(attributes_seen::value_type)),
            attributes_seen::sample.eq(excluded(attributes_seen::sample)),
        );
        let insert = insert_from(attributes_seen::table, columns, row);
        connection.execute(on_conflict(insert, key).set(again))?;
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
