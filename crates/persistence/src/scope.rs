//! What a configuration can see. This is the one place that decides it.

use scim_provisioning::{ResourceKind, Scope};

use crate::sql::{Dialect, Sql};

/// Appends what a configuration can see of rows that something else finds: no engine begins with
/// everything that it can see, whatever it believes of how much that is.
pub(crate) fn visible(sql: &mut Sql, kind: ResourceKind, scope: Scope, alias: &str) {
    match sql.dialect {
        Dialect::Sqlite => in_sight(sql, kind, scope, &format!("+{alias}"), alias),
        // The planner takes no index for it, and expects half of the rows to pass.
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            sql.push("CASE WHEN ");
            in_sight(sql, kind, scope, alias, alias);
            sql.push(" THEN TRUE ELSE FALSE END");
        }
    }
}

/// Appends what a configuration can see of a table that is walked through.
pub(crate) fn all_visible(sql: &mut Sql, kind: ResourceKind, scope: Scope, alias: &str) {
    in_sight(sql, kind, scope, alias, alias);
}

fn in_sight(sql: &mut Sql, kind: ResourceKind, scope: Scope, manager: &str, alias: &str) {
    sql.push(&format!("{manager}.managed_by = "));
    sql.bind(scope.configuration().to_string());
    let protected = match kind {
        ResourceKind::User => {
            format!(" AND {alias}.is_tenant_admin = 0 AND {alias}.left_at IS NULL")
        }
        ResourceKind::Group => format!(" AND {alias}.confers_admin = 0"),
    };
    sql.push(&protected);
}
