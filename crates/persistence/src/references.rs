//! Records that fields name: departments, locations, companies, roles; and managers.

use diesel::sql_types::Text;
use scim_mapping::ReferenceKind;
use scim_protocol::text::fold;
use scim_provisioning::{ResourceId, Scope, StoreError};
use uuid::Uuid;

use crate::connection::Connection;

#[derive(diesel::QueryableByName)]
struct NameRow {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The name of the record that has this name or id; one that is not there is made where `create`
/// is true.
pub(crate) fn resolve(
    connection: &mut Connection,
    kind: ReferenceKind,
    name: &str,
    create: bool,
) -> Result<Option<String>, StoreError> {
    let kind = table_name(kind);
    let mut sql = connection.sql("SELECT name FROM reference_values WHERE kind = ");
    sql.bind(kind).push(" AND (name_key = ").bind(fold(name));
    sql.push(" OR id = ")
        .bind(name)
        .push(") ORDER BY id LIMIT 1");
    if let Some(row) = connection.row::<NameRow>(&sql)? {
        return Ok(Some(row.name));
    }
    if !create {
        return Ok(None);
    }
    let mut sql =
        connection.sql("INSERT INTO reference_values (id, kind, name, name_key) VALUES (");
    sql.bind(Uuid::now_v7().to_string());
    sql.push(", ").bind(kind).push(", ").bind(name);
    // Somebody else may make it at the same time.
    sql.push(", ")
        .bind(fold(name))
        .push(") ON CONFLICT DO NOTHING");
    connection.execute(&sql)?;
    Ok(Some(name.to_owned()))
}

fn table_name(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Department => "department",
        ReferenceKind::Location => "location",
        ReferenceKind::Company => "company",
        ReferenceKind::Role => "role",
        ReferenceKind::Manager => "manager",
    }
}

/// Finds the manager whom a user names, by id, `externalId`, `userName` or e-mail address.
pub(crate) fn link_manager(
    connection: &mut Connection,
    scope: Scope,
    user: ResourceId,
    manager: Option<&str>,
) -> Result<(), StoreError> {
    let Some(manager) = manager else {
        let mut sql = connection
            .sql("UPDATE users SET manager_id = NULL WHERE manager_id IS NOT NULL AND id = ");
        sql.bind(user.to_string());
        connection.execute(&sql)?;
        return Ok(());
    };
    // Each part has an index of its own.
    let mut sql = connection.sql("UPDATE users SET manager_id = (SELECT id FROM (");
    let folded = fold(manager);
    let ways = [
        ("id", manager),
        ("external_id", manager),
        ("scim_user_name_key", &folded),
        ("email_key", &folded),
    ];
    for (rank, (column, value)) in ways.into_iter().enumerate() {
        let union = if rank > 0 { " UNION ALL " } else { "" };
        sql.push(&format!(
            "{union}SELECT m.id, {rank} AS rank FROM users m WHERE m.left_at IS NULL \
             AND m.is_tenant_admin = 0 AND m.managed_by = "
        ));
        sql.bind(scope.configuration().to_string());
        sql.push(&format!(" AND m.{column} = ")).bind(value);
    }
    sql.push(") AS found ORDER BY rank, id LIMIT 1) WHERE id = ")
        .bind(user.to_string());
    connection.execute(&sql)?;
    Ok(())
}

/// Links those who wait for a manager to the one who arrived.
pub(crate) fn link_reports(
    connection: &mut Connection,
    scope: Scope,
    manager: ResourceId,
    keys: &[String],
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE users SET manager_id = ");
    sql.bind(manager.to_string());
    sql.push(" WHERE manager_id IS NULL AND managed_by = ");
    sql.bind(scope.configuration().to_string());
    sql.push(" AND manager_key IN (").bind_all(keys).push(")");
    connection.execute(&sql)?;
    Ok(())
}
