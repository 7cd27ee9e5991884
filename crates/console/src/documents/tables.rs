//! Lookup tables as documents.

use scim_admin::PutTable;
use scim_admin::table::{TableSummary as StoredSummary, TableUse as StoredUse, TableVersion};
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::document;
use super::times::instant;

document! {
    /// A lookup table.
    #[schema(example = json!({
        "name": "offices", "version": 2, "columns": ["code", "city"],
        "rows": [["BER", "Berlin"], ["OSL", "Oslo"]], "changedAt": "2026-11-25T08:00:00Z",
        "changedBy": "administrator:ops",
    }))]
    LookupTable {
        name: String,
        /// The number of the version that is there.
        version: i64,
        /// The titles; the first column has the keys.
        columns: Vec<String>,
        /// The rows, each with a value for every column.
        rows: Vec<Vec<String>>,
        changed_at: String,
        changed_by: String,
        /// The rules that look values up in it.
        uses: Vec<TableUse>,
    }
}
document! {
    /// A lookup table without its rows.
    #[schema(example = json!({
        "name": "offices", "version": 2, "columns": ["code", "city"], "rowCount": 2,
        "changedAt": "2026-11-25T08:00:00Z", "changedBy": "administrator:ops",
    }))]
    TableSummary {
        name: String,
        /// The number of the version that is there.
        version: i64,
        /// The titles; the first column has the keys.
        columns: Vec<String>,
        /// How many rows there are.
        row_count: i64,
        changed_at: String,
        changed_by: String,
    }
}
document! {
    /// Rules of a configuration that look values up in a table.
    #[schema(example = json!({
        "configuration": "0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15", "name": "Entra ID",
        "resource": "user", "draft": false,
        "rules": ["location"],
    }))]
    TableUse {
        /// The id of the configuration.
        configuration: String,
        /// Its name.
        name: String,
        /// `user` or `group`.
        resource: String,
        /// Whether they are those of the draft; else those in force.
        draft: bool,
        /// Their keys, in their order.
        rules: Vec<String>,
    }
}

/// A lookup table, and the rules that use it.
pub fn lookup_table(table: TableVersion, uses: &[StoredUse]) -> LookupTable {
    LookupTable {
        name: table.name,
        version: table.version,
        columns: table.content.columns,
        rows: table.content.rows,
        changed_at: instant(table.created),
        changed_by: table.created_by,
        uses: uses.iter().map(table_use).collect(),
    }
}

/// A lookup table that was just put.
pub fn put_table(put: PutTable) -> LookupTable {
    lookup_table(put.table, &put.uses)
}

/// A lookup table without its rows.
pub fn table_summary(table: StoredSummary) -> TableSummary {
    TableSummary {
        name: table.name,
        version: table.version,
        columns: table.columns,
        row_count: table.rows,
        changed_at: instant(table.created),
        changed_by: table.created_by,
    }
}

fn table_use(found: &StoredUse) -> TableUse {
    TableUse {
        configuration: found.configuration.to_string(),
        name: found.name.clone(),
        resource: found.resource.to_string(),
        draft: found.draft,
        rules: found.rules.clone(),
    }
}
