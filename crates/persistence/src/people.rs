//! The one way to write to people who are there.
//!
//! A protected account is changed by nothing that comes from an identity provider, and by no
//! administrator's button, list or job. So that no statement can forget it, a statement that
//! changes or deletes rows of `users` is made here and nowhere else, and the rule stands in its
//! `WHERE`: what was looked up before it need not have been right, and may have changed since.
//!
//! For the same reason it is here that the console accounts end of people who are not active any
//! more: every statement answers, of the rows that it changed, who is bound to an account.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, QueryableByName};
use scim_provisioning::StoreError;

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use crate::admin::ending;
use crate::connection::Connection;
use crate::nodes::expression;
use crate::schema::users;
use crate::sql::Sql;

/// Sets columns of the people whom a typed condition names, and answers how many those are; leaves
/// protected accounts as they are.
macro_rules! change {
    ($connection:expr, $whom:expr, $changes:expr) => {{
        use diesel::prelude::*;
        let whom = $crate::people::unprotected().and($whom);
        let statement = $crate::nodes::update($crate::schema::users::table, whom, $changes)
            .returning($crate::people::gone());
        let gone: Vec<Option<String>> = $connection.load(statement)?;
        $crate::people::end_accounts($connection, &gone)?
    }};
}
pub(crate) use change;

/// The same for one person, and answers whether an expression says something of the person other
/// than 0; `None` where that is nobody who may be changed.
macro_rules! change_and_tell {
    ($connection:expr, $whom:expr, $changes:expr, $told:expr) => {{
        use diesel::prelude::*;
        let whom = $crate::people::unprotected().and($whom);
        let statement = $crate::nodes::update($crate::schema::users::table, whom, $changes)
            .returning(($crate::people::gone(), $told));
        let rows: Vec<(Option<String>, i32)> = $connection.load(statement)?;
        let (gone, told): (Vec<Option<String>>, Vec<i32>) = rows.into_iter().unzip();
        $crate::people::end_accounts($connection, &gone)?;
        told.first().map(|told| *told != 0)
    }};
}
pub(crate) use change_and_tell;

/// Whether a person is no protected account. Nobody is found by it: the condition beside it names
/// its own index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unprotected<C>(C);

/// Who of the people that were written is not active and bound to an account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone<C>(PhantomData<C>);

pub(crate) fn unprotected() -> Unprotected<users::is_tenant_admin> {
    Unprotected(users::is_tenant_admin)
}

pub(crate) fn gone() -> Gone<users::id> {
    Gone(PhantomData)
}

expression!(Unprotected<C>, Bool);
expression!(Gone<C>, Nullable<Text>);

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Unprotected<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("+");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" = 0");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Unprotected<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" + 0) = 0");
        Ok(())
    }
}

/// With the table in front of the columns, which diesel leaves out of a `RETURNING`: in the
/// sub-select they would be those of `accounts`.
impl<C> QueryFragment<Sqlite> for Gone<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(GONE_OF_USERS);
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C> QueryFragment<Pg> for Gone<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(GONE_OF_USERS);
        Ok(())
    }
}

/// Of a row of `users` that was written: the id of somebody who is not active and to whom an account
/// is bound, for [`end_accounts`].
pub(crate) const GONE_OF_USERS: &str = "CASE WHEN users.status <> 'active' THEN \
    (SELECT min(a.user_id) FROM accounts a WHERE a.user_id = users.id) END";

/// Ends what the accounts hold that are bound to people who are not active any more; answers how
/// many people were written.
pub(crate) fn end_accounts(
    connection: &mut Connection,
    written: &[Option<String>],
) -> Result<usize, StoreError> {
    for gone in written.iter().flatten() {
        ending::end_accounts_of(connection, gone, connection.now())?;
    }
    Ok(written.len())
}

/// A change or deletion of rows of `users` that leaves protected accounts as they are. Only this
/// module makes one.
pub(crate) struct Write {
    sql: Sql,
}

impl Write {
    /// Sets columns of the people whom a condition names.
    pub(crate) fn update(
        connection: &Connection,
        what: impl FnOnce(&mut Sql),
        whom: impl FnOnce(&mut Sql),
    ) -> Self {
        let mut sql = connection.sql("UPDATE users SET ");
        what(&mut sql);
        Self::of(sql, whom, "CASE WHEN status <> 'active' THEN", "END")
    }

    /// Deletes the people whom a condition names.
    pub(crate) fn delete(connection: &Connection, whom: impl FnOnce(&mut Sql)) -> Self {
        Self::of(connection.sql("DELETE FROM users"), whom, "", "")
    }

    /// A statement that answers who of the people is gone, between `begin` and `end`, and is bound.
    fn of(mut sql: Sql, whom: impl FnOnce(&mut Sql), begin: &str, end: &str) -> Self {
        // Nobody is found by it: the condition names its own index.
        let protected = sql.number_aside("is_tenant_admin");
        sql.push(&format!(" WHERE {protected} = 0 AND ("));
        whom(&mut sql);
        sql.push(&format!(
            ") RETURNING {begin} (SELECT min(a.user_id) FROM accounts a \
             WHERE a.user_id = users.id) {end} AS gone"
        ));
        Self { sql }
    }

    /// Runs the statement and answers how many people it was for. What the accounts hold ends that
    /// are bound to those of them who are not active.
    pub(crate) fn run(self, connection: &mut Connection) -> Result<usize, StoreError> {
        let people: Vec<Written> = connection.rows(&self.sql)?;
        let written: Vec<Option<String>> = people.into_iter().map(|person| person.gone).collect();
        end_accounts(connection, &written)
    }
}

/// A row that was written.
#[derive(QueryableByName)]
struct Written {
    /// The id of somebody who is not active and to whom an account is bound.
    #[diesel(sql_type = Nullable<Text>)]
    gone: Option<String>,
}

/// Sets columns of the person of an id; answers whether that was a person who may be changed.
pub(crate) fn set(
    connection: &mut Connection,
    id: &str,
    what: impl FnOnce(&mut Sql),
) -> Result<bool, StoreError> {
    let write = Write::update(connection, what, |sql| {
        sql.push("id = ").bind(id);
    });
    Ok(write.run(connection)? > 0)
}
