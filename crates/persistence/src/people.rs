//! The one way to write to people who are there.
//!
//! A protected account is changed by nothing that comes from an identity provider, and by no
//! administrator's button, list or job. So that no statement can forget it, a statement that
//! changes or deletes rows of `users` is made here and nowhere else, and the rule stands in its
//! `WHERE`: what was looked up before it need not have been right, and may have changed since.

use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::sql::Sql;

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
        Self::of(sql, whom)
    }

    /// Deletes the people whom a condition names.
    pub(crate) fn delete(connection: &Connection, whom: impl FnOnce(&mut Sql)) -> Self {
        Self::of(connection.sql("DELETE FROM users"), whom)
    }

    fn of(mut sql: Sql, whom: impl FnOnce(&mut Sql)) -> Self {
        // Nobody is found by it: the condition names its own index.
        let protected = sql.number_aside("is_tenant_admin");
        sql.push(&format!(" WHERE {protected} = 0 AND ("));
        whom(&mut sql);
        sql.push(")");
        Self { sql }
    }

    /// Runs the statement and answers how many people it was for.
    pub(crate) fn run(self, connection: &mut Connection) -> Result<usize, StoreError> {
        connection.execute(&self.sql)
    }
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

/// Takes everybody out of the management of a configuration that is deleted. Of a protected account
/// that is the one thing which changes, because the configuration that it names is not there any
/// more; nothing else of the account does, not even its version.
pub(crate) fn release(connection: &mut Connection, configuration: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "UPDATE users SET managed_by = NULL, left_at = NULL, purge_at = NULL, held = 0 \
         WHERE managed_by = ",
    );
    sql.bind(configuration);
    connection.execute(&sql)?;
    Ok(())
}
