//! Configurations that are being deleted, piece by piece.

use chrono::{DateTime, Utc};
use diesel::sql_types::Text;
use diesel::{ExpressionMethods, QueryDsl, QueryableByName};
use scim_admin::store::{EndConfigurations, ReadDeletions};
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::{AdminRows, there};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::schema::provisioning_configurations;
use crate::sql::Dialect;
use crate::time::millis;

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    deletion: String,
}

impl ReadDeletions for AdminRows<'_> {
    fn deletion_due(
        &mut self,
        run: Option<RunId>,
        now: DateTime<Utc>,
    ) -> Result<Option<(ConfigurationId, RunId)>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT c.id AS id, c.deletion AS deletion FROM provisioning_configurations c \
             INNER JOIN runs r ON r.id = c.deletion \
             WHERE c.deletion IS NOT NULL AND r.claimed_until <= ",
        );
        sql.bind(millis(now));
        if let Some(run) = run {
            sql.push(" AND c.deletion = ").bind(run.to_string());
        }
        sql.push(" ORDER BY c.deletion LIMIT 1");
        let found: Option<DueRow> = self.connection.row(&sql)?;
        let known = || unreadable("provisioning_configurations.deletion");
        found
            .map(|row| {
                let of = ConfigurationId::parse(&row.id).ok_or_else(known)?;
                Ok((of, RunId::parse(&row.deletion).ok_or_else(known)?))
            })
            .transpose()
    }
}

impl EndConfigurations for AdminRows<'_> {
    fn lock_deletion(&mut self, id: ConfigurationId, run: RunId) -> Result<(), StoreError> {
        let found = provisioning_configurations::table
            .find(id.to_string())
            .filter(provisioning_configurations::deletion.eq(run.to_string()));
        let update = diesel::update(found)
            .set(provisioning_configurations::version.eq(provisioning_configurations::version));
        there(self.connection.execute(update)?)
    }

    fn let_go(&mut self, id: ConfigurationId, limit: usize) -> Result<usize, StoreError> {
        let id = id.to_string();
        let mut room = limit;
        for kind in KINDS {
            if room > 0 {
                room = room.saturating_sub(kind.let_go(self.connection, &id, room)?);
            }
        }
        Ok(limit - room)
    }
}

/// Whether a configuration is being deleted.
pub(super) fn one_waits(connection: &mut Connection) -> Result<bool, StoreError> {
    let one = provisioning_configurations::table
        .filter(provisioning_configurations::deletion.is_not_null())
        .select(provisioning_configurations::id)
        .limit(1);
    Ok(connection.first::<String, _>(one)?.is_some())
}

/// Rows that a configuration has as many of as people.
struct Kind {
    table: &'static str,
    /// The column that names the configuration.
    of: &'static str,
    /// The column that tells the rows of one configuration apart.
    key: &'static str,
    /// Whether no row of another configuration has the same.
    alone: bool,
    /// What a row is that the configuration lets go; without it the row goes.
    becomes: Option<&'static str>,
}

/// What waits of the configuration goes before those of whom it waits are anybody's: another
/// configuration may hold something of them then.
const KINDS: [Kind; 6] = [
    Kind {
        table: "held_changes",
        of: "configuration_id",
        key: "id",
        alone: true,
        becomes: None,
    },
    Kind {
        table: "pending_links",
        of: "configuration_id",
        key: "person_id",
        alone: false,
        becomes: None,
    },
    Kind {
        table: "link_candidates",
        of: "configuration_id",
        key: "id",
        alone: true,
        becomes: None,
    },
    // Of a protected account that is the one thing which changes, because the configuration that it
    // names is not there any more; nothing else of the account does, not even its version.
    Kind {
        table: "users",
        of: "managed_by",
        key: "id",
        alone: true,
        becomes: Some("managed_by = NULL, left_at = NULL, purge_at = NULL, held = 0"),
    },
    Kind {
        table: "groups",
        of: "managed_by",
        key: "id",
        alone: true,
        becomes: Some("managed_by = NULL"),
    },
    Kind {
        table: "group_members",
        of: "held_by",
        key: "held_id",
        alone: false,
        becomes: Some("held_id = NULL, held_by = NULL, held_at = NULL"),
    },
];

impl Kind {
    /// Lets go of so many rows, and answers how many those were.
    fn let_go(
        &self,
        connection: &mut Connection,
        id: &str,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let Self { table, of, key, .. } = self;
        let begin = match self.becomes {
            Some(becomes) => format!("UPDATE {table} SET {becomes}"),
            None => format!("DELETE FROM {table}"),
        };
        let mut sql = connection.sql(&begin);
        sql.push(" WHERE ");
        if !self.alone {
            sql.push(&format!("{of} = ")).bind(id).push(" AND ");
        }
        sql.push(&format!(
            "{key} IN (SELECT {key} FROM {table} WHERE {of} = "
        ));
        sql.bind(id).push(" LIMIT ");
        sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        // Whoever was taken out meanwhile by somebody else is looked at again, and not let go.
        match sql.dialect {
            Dialect::Sqlite => sql.push(")"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => sql.push(" FOR UPDATE)"),
        };
        connection.execute(&sql)
    }
}
