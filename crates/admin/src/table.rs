//! Lookup tables of the instance, which the rules of all configurations share.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scim_mapping::{LookupTable, LookupTables, MappingSet, ResourceKind, TableContent, TableError};
use scim_provisioning::{ConfigurationId, StoreError};

use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::store::ReadTables;

/// A version of a lookup table. Versions never change: a version of a mapping names those that its
/// rules use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableVersion {
    /// The name.
    pub name: String,
    /// The number, from 1.
    pub version: i64,
    /// Columns and rows.
    pub content: TableContent,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created: DateTime<Utc>,
}

impl TableVersion {
    /// The table, checked.
    ///
    /// # Errors
    /// [`TableError`] what is wrong with it.
    pub fn table(&self) -> Result<LookupTable, TableError> {
        LookupTable::new(&self.name, self.content.clone())
    }
}

/// The newest version of a lookup table without its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// The name.
    pub name: String,
    /// The number of the version.
    pub version: i64,
    /// The titles of the columns.
    pub columns: Vec<String>,
    /// How many rows there are.
    pub rows: i64,
    /// Who made the version.
    pub created_by: String,
    /// When it was made.
    pub created: DateTime<Utc>,
}

/// Rules of a configuration that use a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableUse {
    /// Of which configuration.
    pub configuration: ConfigurationId,
    /// Its name.
    pub name: String,
    /// Of which mapping.
    pub resource: ResourceKind,
    /// Whether they are those of the draft; else those in use.
    pub draft: bool,
    /// The keys of the rules, in their order.
    pub rules: Vec<String>,
}

/// Which versions of tables the rules of a set use, by the names of the tables.
pub type TablePins = BTreeMap<String, i64>;

/// How many tables there can be.
pub(crate) const TABLES: usize = 50;

/// The tables that rules name: in the versions that are given, or else in the newest. What is not
/// there is left out, and the rules do not compile.
pub(crate) fn tables_of<R: ReadTables + ?Sized>(
    rows: &mut R,
    rules: &MappingSet,
    pins: Option<&TablePins>,
) -> Result<LookupTables, StoreError> {
    let mut tables = LookupTables::default();
    for name in rules.tables().into_keys() {
        let version = pins.and_then(|pins| pins.get(name).copied());
        if let Some(found) = rows.lookup_table(name, version)? {
            let unreadable = |error| StoreError::unreadable(format!("the table {name} ({error})"));
            tables.insert(found.table().map_err(unreadable)?);
        }
    }
    Ok(tables)
}

/// The newest versions of the tables that rules name, to be kept with them.
pub(crate) fn pins_of<R: ReadTables + ?Sized>(
    rows: &mut R,
    rules: &MappingSet,
) -> Result<TablePins, AdminError> {
    let mut pins = TablePins::new();
    for name in rules.tables().into_keys() {
        // It was deleted after the rules were checked.
        let found = rows.lookup_table(name, None)?.ok_or(AdminError::Stale)?;
        pins.insert(found.name, found.version);
    }
    Ok(pins)
}

impl From<TableError> for AdminError {
    fn from(error: TableError) -> Self {
        let field = match error {
            TableError::Name => InputField::Name,
            _ => InputField::TableRows,
        };
        Problem::Table(error).at(field)
    }
}
