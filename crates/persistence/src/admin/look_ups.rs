//! The end of look-ups.

use diesel::QueryDsl;
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::schema_search::look_ups;

/// The columns of the key of a look-up.
pub(super) const KEY_OF_LOOK_UP: (
    look_ups::configuration_id,
    look_ups::attribute,
    look_ups::value_key,
) = (
    look_ups::configuration_id,
    look_ups::attribute,
    look_ups::value_key,
);

/// Deletes look-ups, each by its key: in one statement PostgreSQL would walk all of them.
pub(super) fn delete_look_ups(
    connection: &mut Connection,
    keys: Vec<(String, String, String)>,
) -> Result<usize, StoreError> {
    let mut deleted = 0;
    for key in keys {
        let row = look_ups::table.find(key);
        deleted += connection.execute(diesel::delete(row))?;
    }
    Ok(deleted)
}
