//! Positions on PostgreSQL.
//!
//! Rows are committed in another order than that of their ids, so that whoever read by id would go
//! past what is committed later. Whoever reads gives positions to what is committed by then, behind
//! all that were given: what is committed later comes behind it. A writer waits for nobody; one at a
//! time gives positions.
//!
//! Of one resource the order is that of its writers. They hold the row of the resource while they
//! record what they did to it: the second one gets its ids when the first one has committed. Whoever
//! sees the second one sees the first one too, and gives positions in the order of ids.

use diesel::dsl::exists;
use diesel::prelude::*;
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::database::Database;
use crate::error::unreadable;
use crate::nodes::{locked, update_all};
use crate::schema_recorded::{feed_changes, feed_state};
use crate::sql::Dialect;

impl Database {
    /// Gives positions to everything that was committed before.
    pub(super) fn sequence_on_server(&self) -> Result<(), StoreError> {
        let waiting = self.reading_one(|connection| {
            if connection.dialect() == Dialect::Sqlite {
                return Ok(false);
            }
            let waiting = feed_changes::table.filter(feed_changes::position.is_null());
            let waiting = connection.first::<bool, _>(diesel::select(exists(waiting)))?;
            Ok::<_, StoreError>(waiting.unwrap_or_default())
        })?;
        if !waiting {
            return Ok(());
        }
        while self.writing(sequence)? == BATCH {}
        Ok(())
    }
}

/// Gives positions to the next rows, and answers how many.
fn sequence(connection: &mut Connection) -> Result<usize, StoreError> {
    let state = locked(connection, feed_state::table.select(feed_state::sequenced));
    let sequenced: Option<i64> = connection.first(state)?;
    let sequenced = sequenced.ok_or_else(|| unreadable("feed_state"))?;
    // A statement of its own, so that it sees what the one before has done who held the lock.
    let mut sql =
        connection.sql("UPDATE feed_changes SET position = next.position FROM (SELECT id, ");
    sql.bind(sequenced);
    sql.push(
        " + row_number() OVER (ORDER BY id) AS position FROM feed_changes WHERE position IS NULL \
         ORDER BY id LIMIT ",
    );
    sql.bind(i64::try_from(BATCH).unwrap_or(i64::MAX));
    sql.push(") AS next WHERE feed_changes.id = next.id");
    let given = connection.execute(&sql)?;
    if given > 0 {
        let sequenced = sequenced + i64::try_from(given).unwrap_or(i64::MAX);
        let given = feed_state::sequenced.eq(sequenced);
        connection.execute(update_all(feed_state::table, given))?;
    }
    Ok(given)
}

/// How many rows get their positions in one transaction.
const BATCH: usize = 2_000;
