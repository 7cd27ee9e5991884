//! Memberships that the guard holds.

use scim_provisioning::StoreError;

use crate::connection::Connection;

/// Lets go of what is held where nobody manages any more, of a configuration (`held_by`) or in a
/// group (`group_id`): the members stay.
pub(crate) fn release(
    connection: &mut Connection,
    column: &'static str,
    id: &str,
) -> Result<(), StoreError> {
    let mut sql = connection.sql(&format!(
        "UPDATE group_members SET held_id = NULL, held_by = NULL, held_at = NULL \
         WHERE held_id IS NOT NULL AND {column} = "
    ));
    sql.bind(id);
    connection.execute(&sql)?;
    Ok(())
}
