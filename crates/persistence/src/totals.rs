//! Totals of a configuration, which triggers keep so that nobody counts.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use scim_provisioning::{ConfigurationId, ResourceKind, StoreError};

use crate::connection::Connection;
use crate::schema::resource_totals;
use crate::sql::{Dialect, Sql, Written};

/// What is kept of one configuration.
pub(crate) struct Totals(Vec<(String, i64)>);

impl Totals {
    /// Reads what is kept.
    pub(crate) fn of(
        connection: &mut Connection,
        configuration: ConfigurationId,
    ) -> Result<Self, StoreError> {
        // A sum of BIGINT is a numeric on PostgreSQL.
        let amount = connection.sql("CAST(SUM(resource_totals.amount) AS BIGINT)");
        let rows: Vec<(String, i64)> = connection.load(
            resource_totals::table
                .filter(resource_totals::configuration_id.eq(configuration.to_string()))
                .group_by(resource_totals::counted)
                .select((resource_totals::counted, amount.written::<BigInt>())),
        )?;
        Ok(Self(rows))
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
        let row = self.0.iter().find(|(name, _)| name == counted);
        row.map_or(0, |(_, amount)| u64::try_from(*amount).unwrap_or(0))
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

/// The number of users that a configuration sees, as an expression.
pub(crate) fn visible_users(dialect: Dialect, configuration: ConfigurationId) -> Written<BigInt> {
    let mut sql = Sql::new(
        dialect,
        "(SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM resource_totals \
         WHERE counted = 'users' AND configuration_id = ",
    );
    sql.bind(configuration.to_string()).push(")");
    sql.written()
}

/// Forgets the totals of a configuration that is gone.
pub(crate) fn forget(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(), StoreError> {
    let of = resource_totals::configuration_id.eq(configuration.to_string());
    connection.execute(diesel::delete(resource_totals::table.filter(of)))?;
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
