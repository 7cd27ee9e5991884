//! Memberships that the guard holds.

use diesel::prelude::*;
use scim_provisioning::{ResourceId, StoreError};

use crate::connection::Connection;
use crate::schema::group_members;

/// What a membership has that is held, which is set to nothing of one that is not any more.
#[derive(Default, AsChangeset)]
#[diesel(table_name = group_members)]
#[diesel(treat_none_as_null = true)]
struct Hold {
    held_id: Option<String>,
    held_by: Option<String>,
    held_at: Option<i64>,
}

/// Lets a membership stay that is held.
pub(crate) fn keep(
    connection: &mut Connection,
    group: ResourceId,
    member: &str,
) -> Result<(), StoreError> {
    let held = group_members::table
        .find((group.to_string(), member))
        .filter(group_members::held_id.is_not_null());
    let keep = diesel::update(held).set(Hold::default());
    connection.execute(keep).map(drop)
}

/// Lets go of what is held in a group that was taken out of its configuration: the members stay.
pub(crate) fn release(connection: &mut Connection, group: &str) -> Result<(), StoreError> {
    let held = group_members::table
        .filter(group_members::held_id.is_not_null())
        .filter(group_members::group_id.eq(group));
    let release = diesel::update(held).set(Hold::default());
    connection.execute(release).map(drop)
}
