//! The end of look-ups.

use diesel::QueryDsl;
use diesel::sql_types::Text;
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::schema_search::look_ups;
use crate::sql::Sql;

#[derive(diesel::QueryableByName)]
struct LookUpKey {
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Text)]
    attribute: String,
    #[diesel(sql_type = Text)]
    value_key: String,
}

/// How a statement begins that finds the keys of look-ups.
pub(super) const OF_LOOK_UP: &str =
    "SELECT configuration_id, attribute, value_key FROM look_ups WHERE";

/// Deletes the look-ups whose keys a statement finds, each by its key: in one statement PostgreSQL
/// would walk all of them.
pub(super) fn delete_look_ups(
    connection: &mut Connection,
    keys: &Sql,
) -> Result<usize, StoreError> {
    let keys: Vec<LookUpKey> = connection.rows(keys)?;
    let mut deleted = 0;
    for key in keys {
        let row = look_ups::table.find((key.configuration_id, key.attribute, key.value_key));
        deleted += connection.execute(diesel::delete(row))?;
    }
    Ok(deleted)
}
