//! Rows of lookup tables.

use scim_provisioning::StoreError;

use crate::table::{TableSummary, TableVersion};

/// Reading lookup tables.
pub trait ReadTables {
    /// The newest version of each table, by name.
    ///
    /// # Errors
    /// A fault of the store.
    fn lookup_tables(&mut self) -> Result<Vec<TableSummary>, StoreError>;

    /// A version of a table, or the newest.
    ///
    /// # Errors
    /// A fault of the store.
    fn lookup_table(
        &mut self,
        name: &str,
        version: Option<i64>,
    ) -> Result<Option<TableVersion>, StoreError>;
}

/// Changing lookup tables.
pub trait WriteTables {
    /// Inserts a version of a table.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the version is there.
    fn insert_lookup_table(&mut self, version: &TableVersion) -> Result<(), StoreError>;

    /// Deletes every version of a table; answers whether there was one.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_lookup_table(&mut self, name: &str) -> Result<bool, StoreError>;
}
