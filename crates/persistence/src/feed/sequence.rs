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

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool};
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::database::Database;
use crate::error::unreadable;
use crate::sql::Dialect;

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Bool)]
    waiting: bool,
}

#[derive(QueryableByName)]
struct SequencedRow {
    #[diesel(sql_type = BigInt)]
    sequenced: i64,
}

impl Database {
    /// Gives positions to everything that was committed before.
    pub(super) fn sequence_on_server(&self) -> Result<(), StoreError> {
        let waiting = self.reading_one(|connection| {
            if connection.dialect() == Dialect::Sqlite {
                return Ok(false);
            }
            let sql = connection.sql(
                "SELECT EXISTS (SELECT 1 FROM feed_changes WHERE position IS NULL) AS waiting",
            );
            let row: Option<WaitingRow> = connection.row(&sql)?;
            Ok::<_, StoreError>(row.is_some_and(|row| row.waiting))
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
    let sql = connection.sql("SELECT sequenced FROM feed_state FOR UPDATE");
    let row: Option<SequencedRow> = connection.row(&sql)?;
    let sequenced = row.ok_or_else(|| unreadable("feed_state"))?.sequenced;
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
        let mut sql = connection.sql("UPDATE feed_state SET sequenced = ");
        sql.bind(sequenced + i64::try_from(given).unwrap_or(i64::MAX));
        connection.execute(&sql)?;
    }
    Ok(given)
}

/// How many rows get their positions in one transaction.
const BATCH: usize = 2_000;
