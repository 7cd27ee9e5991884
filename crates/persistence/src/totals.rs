//! Totals of a configuration, which triggers keep so that nobody counts.

use diesel::sql_types::{BigInt, Text};
use scim_provisioning::{ConfigurationId, ResourceKind, StoreError};

use crate::connection::Connection;
use crate::sql::Sql;

#[derive(diesel::QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = Text)]
    counted: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

/// What is kept of one configuration.
pub(crate) struct Totals(Vec<TotalRow>);

impl Totals {
    /// Reads what is kept.
    pub(crate) fn of(
        connection: &mut Connection,
        configuration: ConfigurationId,
    ) -> Result<Self, StoreError> {
        let mut sql = connection.sql(
            "SELECT counted, CAST(SUM(amount) AS BIGINT) AS amount FROM resource_totals WHERE ",
        );
        sql.push("configuration_id = ")
            .bind(configuration.to_string());
        sql.push(" GROUP BY counted");
        Ok(Self(connection.rows(&sql)?))
    }

    /// How many resources of a type the configuration sees.
    pub(crate) fn visible(&self, kind: ResourceKind) -> u64 {
        self.amount(counted(kind))
    }

    /// How many users of a status it manages, whether or not it sees them.
    pub(crate) fn with_status(&self, status: &str) -> u64 {
        self.amount(status)
    }

    fn amount(&self, counted: &str) -> u64 {
        let row = self.0.iter().find(|row| row.counted == counted);
        row.map_or(0, |row| u64::try_from(row.amount).unwrap_or(0))
    }
}

/// Refuses a filter that makes very many tests of every resource of a type that a configuration sees,
/// before any is made. One of few tests is held to the statement budget alone.
pub(crate) fn check_width(
    connection: &mut Connection,
    configuration: ConfigurationId,
    kind: ResourceKind,
    terms: usize,
) -> Result<(), StoreError> {
    if terms <= NARROW {
        return Ok(());
    }
    let rows = Totals::of(connection, configuration)?.visible(kind);
    let tests = rows.saturating_mul(u64::try_from(terms).unwrap_or(u64::MAX));
    match tests > TESTS {
        true => Err(StoreError::TooExpensive),
        false => Ok(()),
    }
}

/// Appends an expression that is the number of users which a configuration sees.
pub(crate) fn push_visible_users(sql: &mut Sql, configuration: ConfigurationId) {
    sql.push(
        "(SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM resource_totals \
         WHERE counted = 'users' AND configuration_id = ",
    );
    sql.bind(configuration.to_string()).push(")");
}

/// Forgets the totals of a configuration that is gone.
pub(crate) fn forget(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM resource_totals WHERE configuration_id = ");
    sql.bind(configuration.to_string());
    connection.execute(&sql)?;
    Ok(())
}

fn counted(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "groups",
    }
}

/// A filter of so many terms is as clients write them.
const NARROW: usize = 20;
/// How many tests of values a wide filter may make; as many take some 0.3 seconds of the processor.
const TESTS: u64 = 1_000_000;
