//! What hangs on people and groups, put back and taken away.
//!
//! What hangs on a protected account is left as it is by every statement here.

use scim_admin::run::RowSubject;
use scim_provisioning::StoreError;
use serde_json::{Map, Value};

use super::restore::{Column, Form, push_value};
use crate::connection::Connection;

/// A table of what hangs on people and groups: its columns, which of them find a row, and what has
/// to be there for it.
struct Attached {
    table: &'static str,
    columns: &'static [Column],
    keys: usize,
    there: &'static str,
    /// What leaves a row as it is.
    spared: &'static str,
    conflict: &'static str,
}

/// What is a person's, and is of no protected account.
macro_rules! unprotected_user {
    ($table:literal) => {
        concat!(
            " AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = ",
            $table,
            ".user_id AND u.is_tenant_admin = 1)"
        )
    };
}

/// What is a group's, and is of none that confers an administrative right.
macro_rules! unprotected_group {
    ($table:literal) => {
        concat!(
            " AND NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = ",
            $table,
            ".group_id AND g.confers_admin = 1)"
        )
    };
}

/// Neither the group is protected nor the member.
const UNPROTECTED_MEMBER: &str = concat!(
    unprotected_group!("group_members"),
    " AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = group_members.member_id \
     AND u.is_tenant_admin = 1) AND NOT EXISTS (SELECT 1 FROM groups m \
     WHERE m.id = group_members.member_id AND m.confers_admin = 1)"
);

fn attached(subject: RowSubject) -> Option<Attached> {
    Some(match subject {
        RowSubject::Membership => Attached {
            table: "group_members",
            columns: &[
                ("group", "group_id", Form::Text),
                ("member", "member_id", Form::Text),
                ("type", "member_kind", Form::Text),
                ("addedAt", "added_at", Form::Number),
                ("heldId", "held_id", Form::Text),
                ("heldBy", "held_by", Form::Text),
                ("heldAt", "held_at", Form::Number),
            ],
            keys: 2,
            there: "EXISTS (SELECT 1 FROM groups WHERE id = row.group_id AND confers_admin = 0) AND \
                (EXISTS (SELECT 1 FROM users WHERE id = row.member_id AND is_tenant_admin = 0 \
                AND status <> 'archived') \
                OR EXISTS (SELECT 1 FROM groups WHERE id = row.member_id AND confers_admin = 0))",
            spared: UNPROTECTED_MEMBER,
            conflict: "(group_id, member_id) DO UPDATE SET held_id = excluded.held_id, \
                held_by = excluded.held_by, held_at = excluded.held_at",
        },
        RowSubject::GroupGrant => Attached {
            table: "group_grants",
            columns: &[
                ("group", "group_id", Form::Text),
                ("field", "field", Form::Text),
                ("value", "value", Form::Text),
            ],
            keys: 3,
            there: "EXISTS (SELECT 1 FROM groups WHERE id = row.group_id AND confers_admin = 0)",
            spared: unprotected_group!("group_grants"),
            conflict: "DO NOTHING",
        },
        RowSubject::ManualGrant => Attached {
            table: "manual_grants",
            columns: &[
                ("user", "user_id", Form::Text),
                ("field", "field", Form::Text),
                ("value", "value", Form::Text),
            ],
            keys: 3,
            there: "EXISTS (SELECT 1 FROM users WHERE id = row.user_id AND is_tenant_admin = 0)",
            spared: unprotected_user!("manual_grants"),
            conflict: "DO NOTHING",
        },
        RowSubject::HeldChange => Attached {
            table: "held_changes",
            columns: &[
                ("id", "id", Form::Text),
                ("configuration", "configuration_id", Form::Text),
                ("user", "user_id", Form::Text),
                ("deleted", "deleted", Form::Number),
                ("status", "status", Form::Text),
                ("purgeAt", "purge_at", Form::Number),
                ("at", "at", Form::Number),
            ],
            keys: 1,
            there: "EXISTS (SELECT 1 FROM users WHERE id = row.user_id AND held = 1 \
                AND is_tenant_admin = 0) AND \
                EXISTS (SELECT 1 FROM provisioning_configurations WHERE id = row.configuration_id)",
            spared: unprotected_user!("held_changes"),
            conflict: "DO NOTHING",
        },
        RowSubject::AwaitedMember => Attached {
            table: "awaited_members",
            columns: &[
                ("group", "group_id", Form::Text),
                ("member", "member_id", Form::Text),
            ],
            keys: 2,
            there: "EXISTS (SELECT 1 FROM groups WHERE id = row.group_id AND confers_admin = 0)",
            spared: unprotected_group!("awaited_members"),
            conflict: "DO NOTHING",
        },
        RowSubject::User | RowSubject::Group => return None,
    })
}

/// Puts back what hangs on people and groups; answers whether that changed anything.
pub(crate) fn put(
    connection: &mut Connection,
    subject: RowSubject,
    values: &Map<String, Value>,
) -> Result<bool, StoreError> {
    let Some(of) = attached(subject) else {
        return Ok(false);
    };
    let names: Vec<&str> = of.columns.iter().map(|(_, column, _)| *column).collect();
    let names = names.join(", ");
    let mut sql = connection.sql(&format!(
        "INSERT INTO {} ({names}) SELECT {names} FROM (SELECT ",
        of.table
    ));
    for (at, (name, column, form)) in of.columns.iter().enumerate() {
        if at > 0 {
            sql.push(", ");
        }
        push_value(&mut sql, values.get(*name).unwrap_or(&Value::Null), *form);
        sql.push(&format!(" AS {column}"));
    }
    sql.push(&format!(
        ") AS row WHERE {} ON CONFLICT {}",
        of.there, of.conflict
    ));
    Ok(connection.execute(&sql)? > 0)
}

/// Takes away what hangs on people and groups; answers whether it was there.
pub(crate) fn take(
    connection: &mut Connection,
    subject: RowSubject,
    values: &Map<String, Value>,
) -> Result<bool, StoreError> {
    let Some(of) = attached(subject) else {
        return Ok(false);
    };
    let mut sql = connection.sql(&format!("DELETE FROM {} WHERE ", of.table));
    for (at, (name, column, form)) in of.columns.iter().take(of.keys).enumerate() {
        if at > 0 {
            sql.push(" AND ");
        }
        sql.push(&format!("{column} = "));
        push_value(&mut sql, values.get(*name).unwrap_or(&Value::Null), *form);
    }
    sql.push(of.spared);
    Ok(connection.execute(&sql)? > 0)
}
