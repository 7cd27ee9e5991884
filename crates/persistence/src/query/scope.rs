//! What a configuration can see. This is the one place that decides it.
//!
//! A typed query of people takes [`users_in`], one of groups [`groups_in`]; a query in text is given
//! the same by [`visible`] and [`all_visible`]. Where a row is seen by the configuration that manages
//! another row, and not by one that is bound, the text takes [`MANAGER_BESIDE`],
//! [`REPORT_BESIDE`] or [`GROUP_BESIDE`].
//! Who left is managed still, and out of sight: [`users_gone`], [`gone`] and [`managed`].

use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryResult};
use scim_provisioning::{ResourceKind, Scope};

use crate::nodes::{Aliased, expression};
use crate::schema::{groups, users};
use crate::sql::{Dialect, Sql};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

/// Whether a user is in the scope of a configuration: nobody whom another one manages or nobody,
/// no protected account, and nobody who left.
#[derive(Debug, Clone)]
pub(crate) struct SeenUser<M, P, L> {
    scope: String,
    manager: M,
    protected: P,
    left: L,
}

/// Whether a group is in the scope of a configuration: none that another one manages or nobody, and
/// none that confers an administrative right.
#[derive(Debug, Clone)]
pub(crate) struct SeenGroup<M, P> {
    scope: String,
    manager: M,
    protected: P,
}

/// The users that a configuration can see, of those that something else finds: no engine begins
/// with everything that it can see, whatever it believes of how much that is.
pub(crate) fn users_in(
    scope: Scope,
) -> SeenUser<users::managed_by, users::is_tenant_admin, users::left_at> {
    SeenUser {
        scope: scope.configuration().to_string(),
        manager: users::managed_by,
        protected: users::is_tenant_admin,
        left: users::left_at,
    }
}

/// The groups that a configuration can see, of those that something else finds.
pub(crate) fn groups_in(scope: Scope) -> SeenGroup<groups::managed_by, groups::confers_admin> {
    SeenGroup {
        scope: scope.configuration().to_string(),
        manager: groups::managed_by,
        protected: groups::confers_admin,
    }
}

/// The same for the alias `g` in a node of our own text.
pub(crate) fn groups_as_g(scope: Scope) -> SeenGroup<Aliased, Aliased> {
    SeenGroup {
        scope: scope.configuration().to_string(),
        manager: Aliased("g.managed_by"),
        protected: Aliased("g.confers_admin"),
    }
}

/// The users who left, and whom the configuration manages still.
#[diesel::dsl::auto_type(no_type_alias)]
pub(crate) fn users_gone(scope: String) -> _ {
    users::managed_by
        .eq(scope)
        .and(users::left_at.is_not_null())
        .and(users::is_tenant_admin.eq(0_i32))
}

/// Whether a user `w` of our own text is managed by a configuration, in its sight or not.
#[derive(Debug, Clone)]
pub(crate) struct Managed {
    scope: String,
}

/// The users that a configuration manages, in its sight or not, of those that something else finds.
pub(crate) fn managed_as_w(scope: Scope) -> Managed {
    Managed {
        scope: scope.configuration().to_string(),
    }
}

impl QueryFragment<Sqlite> for Managed {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("+w.managed_by = ");
        out.push_bind_param::<Text, _>(&self.scope)
    }
}

#[cfg(feature = "postgres")]
impl QueryFragment<Pg> for Managed {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(w.managed_by || '') = ");
        out.push_bind_param::<Text, _>(&self.scope)
    }
}

expression!(SeenUser<M, P, L>, Bool);
expression!(SeenGroup<M, P>, Bool);

impl<M, P, L> QueryFragment<Sqlite> for SeenUser<M, P, L>
where
    M: QueryFragment<Sqlite>,
    P: QueryFragment<Sqlite>,
    L: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(+");
        self.manager.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        out.push_bind_param::<Text, _>(&self.scope)?;
        out.push_sql(" AND ");
        self.protected.walk_ast(out.reborrow())?;
        out.push_sql(" = 0 AND ");
        self.left.walk_ast(out.reborrow())?;
        out.push_sql(" IS NULL)");
        Ok(())
    }
}

// The planner takes no index for a CASE, and expects half of the rows to pass.
#[cfg(feature = "postgres")]
impl<M, P, L> QueryFragment<Pg> for SeenUser<M, P, L>
where
    M: QueryFragment<Pg>,
    P: QueryFragment<Pg>,
    L: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("CASE WHEN ");
        self.manager.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        out.push_bind_param::<Text, _>(&self.scope)?;
        out.push_sql(" AND ");
        self.protected.walk_ast(out.reborrow())?;
        out.push_sql(" = 0 AND ");
        self.left.walk_ast(out.reborrow())?;
        out.push_sql(" IS NULL THEN TRUE ELSE FALSE END");
        Ok(())
    }
}

impl<M: QueryFragment<Sqlite>, P: QueryFragment<Sqlite>> QueryFragment<Sqlite> for SeenGroup<M, P> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(+");
        self.manager.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        out.push_bind_param::<Text, _>(&self.scope)?;
        out.push_sql(" AND ");
        self.protected.walk_ast(out.reborrow())?;
        out.push_sql(" = 0)");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<M: QueryFragment<Pg>, P: QueryFragment<Pg>> QueryFragment<Pg> for SeenGroup<M, P> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("CASE WHEN ");
        self.manager.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        out.push_bind_param::<Text, _>(&self.scope)?;
        out.push_sql(" AND ");
        self.protected.walk_ast(out.reborrow())?;
        out.push_sql(" = 0 THEN TRUE ELSE FALSE END");
        Ok(())
    }
}

/// Appends what a configuration can see of rows that something else finds, as [`users_in`] and
/// [`groups_in`] do.
pub(crate) fn visible(sql: &mut Sql, kind: ResourceKind, scope: Scope, alias: &str) {
    match sql.dialect {
        Dialect::Sqlite => in_sight(sql, kind, scope, &format!("+{alias}"), alias),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            sql.push("CASE WHEN ");
            in_sight(sql, kind, scope, alias, alias);
            sql.push(" THEN TRUE ELSE FALSE END");
        }
    }
}

/// Appends who left a configuration, of those that something else finds.
pub(crate) fn gone(sql: &mut Sql, scope: Scope, alias: &str) {
    let left_at = sql.number_aside(&format!("{alias}.left_at"));
    sql.push(&format!(
        "{left_at} IS NOT NULL AND {alias}.is_tenant_admin = 0 AND "
    ));
    managed(sql, scope, &format!("{alias}.managed_by"));
}

/// Appends what a configuration manages, in its sight or not, of those that something else finds.
pub(crate) fn managed(sql: &mut Sql, scope: Scope, column: &str) {
    let manager = sql.aside(column);
    sql.push(&format!("{manager} = "))
        .bind(scope.configuration().to_string());
}

/// A manager `m` whom the configuration sees that manages the user beside it.
pub(crate) const MANAGER_BESIDE: &str =
    "m.managed_by = users.managed_by AND m.is_tenant_admin = 0 AND m.left_at IS NULL";

/// A user `s` whom the configuration sees that manages the row `r` beside them.
pub(crate) const REPORT_BESIDE: &str =
    "s.managed_by = r.managed_by AND s.is_tenant_admin = 0 AND s.left_at IS NULL";

/// A group `o` that the configuration sees that manages the row `r` beside it.
pub(crate) const GROUP_BESIDE: &str = "o.managed_by = r.managed_by AND o.confers_admin = 0";

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
