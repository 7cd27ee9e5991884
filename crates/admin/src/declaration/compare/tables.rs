//! Lookup tables that are there against those that a document has.

use std::collections::{BTreeMap, BTreeSet};

use scim_mapping::{Catalog, LookupTables, MappingSet, ResourceKind, TableContent};
use serde_json::{Value, json};

use super::super::document::Declaration;
use super::super::export::Configured;
use super::super::plan::{Change, MemberChange, Step};
use super::super::read;
use super::{Comparison, differences, item};
use crate::error::AdminError;
use crate::invalid::Problem;
use crate::item::ItemKind;
use crate::store::AdminView;
use crate::table::TABLES;

impl Comparison {
    /// Compares the lookup tables, and answers those that there will be.
    pub(super) fn tables(&mut self, declared: &Declaration) -> Result<LookupTables, AdminError> {
        let mut coming = self.tables.clone();
        let Some(declared) = &declared.tables else {
            return Ok(coming);
        };
        let mut named = BTreeSet::new();
        for document in declared {
            let of = ItemKind::Table.named(&*document.name);
            let table = read::table(document).map_err(|error| error.of(of.clone()))?;
            if !named.insert(table.name().to_owned()) {
                return Err(Problem::DeclaredTwice.refused().of(of));
            }
            let known = coming.find(table.name());
            if known.is_some_and(|known| known.content() == table.content()) {
                continue;
            }
            let change = match known {
                Some(_) => Change::Update,
                None => Change::Create,
            };
            let before = known.map(|known| known.content().clone());
            let changes = table_differences(before.as_ref(), Some(table.content()));
            self.note(ItemKind::Table, table.name(), change, changes);
            self.changed_tables.insert(table.name().to_owned());
            self.steps.push(Step::PutTable(table.clone()));
            coming.insert(table);
        }
        let names: Vec<String> = coming.names().map(str::to_owned).collect();
        for name in names.into_iter().filter(|name| !named.contains(name)) {
            if !self.prune {
                continue;
            }
            let before = coming.find(&name).map(|known| known.content().clone());
            let changes = table_differences(before.as_ref(), None);
            let item = item(ItemKind::Table, &name, Change::Delete, changes);
            coming.remove(&name);
            self.changed_tables.insert(name.clone());
            self.last.push((item, Step::DeleteTable(name)));
        }
        if coming.names().count() > TABLES {
            return Err(Problem::TooManyTables { most: TABLES }.refused());
        }
        Ok(coming)
    }

    /// When every rule is what it will be, those in force go over to the tables that changed.
    pub(super) fn take_up_tables(&mut self, coming: &Catalog) {
        let stays = |name: &&String| coming.tables().find(name).is_some();
        let changed = self.changed_tables.iter().filter(stays).cloned();
        self.steps.extend(changed.map(Step::TakeUpTable));
    }

    /// Checks that the rules in use of a configuration that stays fit the tables that there will be,
    /// and that no draft uses one that is deleted.
    pub(super) fn check_tables_stay(
        &self,
        stays: &Configured,
        resource: ResourceKind,
        catalog: &Catalog,
    ) -> Result<(), AdminError> {
        let configuration = &stays.configuration;
        let changed = |set: &MappingSet| {
            let mut tables = set.tables().into_keys();
            tables.any(|name| self.changed_tables.contains(name))
        };
        let in_use = stays.rules(resource)?;
        let stays_in_use = !self.replaces(configuration, resource);
        let draft = stays.draft(resource).map(|draft| &draft.rules);
        let sets = draft.into_iter().chain(stays_in_use.then_some(in_use));
        for set in sets {
            let gone = |name: &&str| {
                self.tables.find(name).is_some() && catalog.tables().find(name).is_none()
            };
            if let Some((name, rules)) = set.tables().into_iter().find(|(name, _)| gone(name)) {
                let rule = rules.first().copied().unwrap_or_default().to_owned();
                let refused = Problem::TableInUse {
                    rule,
                    configuration: configuration.name.clone(),
                };
                return Err(refused.refused().of(ItemKind::Table.named(name)));
            }
        }
        if !stays_in_use || !changed(in_use) {
            return Ok(());
        }
        self.check_rules(in_use, catalog).map_err(|error| {
            let of = ItemKind::Mapping.named(format!("{}/{resource}", configuration.name));
            error.of(of)
        })
    }
}

/// The newest version of every table.
pub(super) fn known(rows: &mut dyn AdminView) -> Result<LookupTables, AdminError> {
    let mut tables = LookupTables::default();
    for summary in rows.lookup_tables()? {
        if let Some(found) = rows.lookup_table(&summary.name, Some(summary.version))? {
            tables.insert(found.table()?);
        }
    }
    Ok(tables)
}

/// The columns, where they differ, and the rows that do by their keys; of many the first ones.
fn table_differences(old: Option<&TableContent>, new: Option<&TableContent>) -> Vec<MemberChange> {
    let columns = |table: Option<&TableContent>| table.map(|table| json!(table.columns));
    let by_key = |table: Option<&TableContent>| -> BTreeMap<String, Value> {
        let rows = table.into_iter().flat_map(|table| &table.rows);
        rows.filter_map(|row| Some((row.first()?.clone(), json!(row))))
            .collect()
    };
    // The order is all that differs where no row does.
    let order = |table: Option<&TableContent>| {
        table.map(|table| {
            let keys: Vec<_> = table.rows.iter().map(|row| row.first()).collect();
            json!(keys)
        })
    };
    let moved = json!({ "columns": columns(old), "order": order(old) });
    let mut changes = differences(
        &moved,
        &json!({ "columns": columns(new), "order": order(new) }),
    );
    let (old, new) = (by_key(old), by_key(new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let of = |rows: &BTreeMap<String, Value>, key: &String| {
        rows.get(key).cloned().unwrap_or(Value::Null)
    };
    let differ = keys.into_iter().map(|key| MemberChange {
        member: format!("rows.{key}"),
        old: of(&old, key),
        new: of(&new, key),
    });
    changes.extend(differ.filter(|change| change.old != change.new));
    changes
}
