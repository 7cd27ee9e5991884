//! What the administrators' port is implemented on.

use crate::connection::Connection;

/// The rows of what administrators configure, in a transaction.
pub(crate) struct AdminRows<'a> {
    pub(crate) connection: &'a mut Connection,
}
