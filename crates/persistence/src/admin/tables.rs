//! Rows of `lookup_tables`.

use std::collections::BTreeMap;

use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::store::{ReadTables, WriteTables};
use scim_admin::table::{TableSummary, TableVersion};
use scim_mapping::{LookupTables, TableContent};
use scim_provisioning::StoreError;

use super::AdminRows;
use super::mappings::written;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::schema_instance::lookup_tables;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = lookup_tables)]
struct TableRow {
    name: String,
    version: i64,
    titles: String,
    entries: String,
    entry_count: i64,
    created_by: String,
    created_at: i64,
}

/// A version without what stands in it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = lookup_tables)]
struct SummaryRow {
    name: String,
    version: i64,
    titles: String,
    entry_count: i64,
    created_by: String,
    created_at: i64,
}

impl TryFrom<TableRow> for TableVersion {
    type Error = StoreError;

    fn try_from(row: TableRow) -> Result<Self, StoreError> {
        let known = |_json| unreadable("lookup_tables");
        Ok(Self {
            name: row.name,
            version: row.version,
            content: TableContent {
                columns: serde_json::from_str(&row.titles).map_err(known)?,
                rows: serde_json::from_str(&row.entries).map_err(known)?,
            },
            created_by: row.created_by,
            created: instant(row.created_at),
        })
    }
}

/// The tables in these versions.
pub(super) fn pinned(
    connection: &mut Connection,
    versions: &BTreeMap<String, i64>,
) -> Result<LookupTables, StoreError> {
    let mut tables = LookupTables::default();
    for (name, version) in versions {
        let found = find(connection, name, Some(*version))?;
        let found = found.ok_or_else(|| unreadable("lookup_tables"))?;
        tables.insert(
            found
                .table()
                .map_err(|_wrong| unreadable("lookup_tables"))?,
        );
    }
    Ok(tables)
}

fn find(
    connection: &mut Connection,
    name: &str,
    version: Option<i64>,
) -> Result<Option<TableVersion>, StoreError> {
    let mut query = lookup_tables::table
        .filter(lookup_tables::name.eq(name.to_owned()))
        .order(lookup_tables::version.desc())
        .select(TableRow::as_select())
        .limit(1)
        .into_boxed();
    if let Some(version) = version {
        query = query.filter(lookup_tables::version.eq(version));
    }
    let rows: Vec<TableRow> = connection.load(query)?;
    rows.into_iter()
        .next()
        .map(TableVersion::try_from)
        .transpose()
}

impl ReadTables for AdminRows<'_> {
    fn lookup_tables(&mut self) -> Result<Vec<TableSummary>, StoreError> {
        let query = lookup_tables::table
            .select(SummaryRow::as_select())
            .order((lookup_tables::name, lookup_tables::version.desc()));
        let mut rows: Vec<SummaryRow> = self.connection.load(query)?;
        // The newest version stands first of each.
        rows.dedup_by(|row, before| row.name == before.name);
        let summary = |row: SummaryRow| {
            let columns = serde_json::from_str(&row.titles);
            Ok(TableSummary {
                name: row.name,
                version: row.version,
                columns: columns.map_err(|_json| unreadable("lookup_tables.titles"))?,
                rows: row.entry_count,
                created_by: row.created_by,
                created: instant(row.created_at),
            })
        };
        rows.into_iter().map(summary).collect()
    }

    fn lookup_table(
        &mut self,
        name: &str,
        version: Option<i64>,
    ) -> Result<Option<TableVersion>, StoreError> {
        find(self.connection, name, version)
    }
}

impl WriteTables for AdminRows<'_> {
    fn insert_lookup_table(&mut self, version: &TableVersion) -> Result<(), StoreError> {
        let rows = &version.content.rows;
        let insert = diesel::insert_into(lookup_tables::table).values(TableRow {
            name: version.name.clone(),
            version: version.version,
            titles: written(&version.content.columns),
            entries: written(rows),
            entry_count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            created_by: version.created_by.clone(),
            created_at: millis(version.created),
        });
        self.connection.execute(insert).map(drop)
    }

    fn delete_lookup_table(&mut self, name: &str) -> Result<bool, StoreError> {
        let delete =
            diesel::delete(lookup_tables::table.filter(lookup_tables::name.eq(name.to_owned())));
        Ok(self.connection.execute(delete)? > 0)
    }
}
