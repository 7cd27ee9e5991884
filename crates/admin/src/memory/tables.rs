//! Lookup tables in memory.

use scim_provisioning::StoreError;

use super::Rows;
use crate::store::{ReadTables, WriteTables};
use crate::table::{TableSummary, TableVersion};

impl ReadTables for Rows {
    fn lookup_tables(&mut self) -> Result<Vec<TableSummary>, StoreError> {
        let newest = self.tables.values().filter(|table| {
            let next = (table.name.clone(), table.version + 1);
            !self.tables.contains_key(&next)
        });
        let summary = |table: &TableVersion| TableSummary {
            name: table.name.clone(),
            version: table.version,
            columns: table.content.columns.clone(),
            rows: i64::try_from(table.content.rows.len()).unwrap_or(i64::MAX),
            created_by: table.created_by.clone(),
            created: table.created,
        };
        Ok(newest.map(summary).collect())
    }

    fn lookup_table(
        &mut self,
        name: &str,
        version: Option<i64>,
    ) -> Result<Option<TableVersion>, StoreError> {
        let (first, last) = version.map_or((i64::MIN, i64::MAX), |one| (one, one));
        let of = (name.to_owned(), first)..=(name.to_owned(), last);
        Ok(self
            .tables
            .range(of)
            .next_back()
            .map(|(_, table)| table.clone()))
    }
}

impl WriteTables for Rows {
    fn insert_lookup_table(&mut self, version: &TableVersion) -> Result<(), StoreError> {
        let key = (version.name.clone(), version.version);
        if self.tables.contains_key(&key) {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.tables.insert(key, version.clone());
        Ok(())
    }

    fn delete_lookup_table(&mut self, name: &str) -> Result<bool, StoreError> {
        let before = self.tables.len();
        self.tables.retain(|(of, _), _| of != name);
        Ok(self.tables.len() < before)
    }
}
