//! Lookup tables.
//!
//! A change of a table makes a version of it, and of every mapping that uses it in force: the same
//! rules over the new table, checked and tested like any others. So each entry of the log names by
//! which table it was done, and going back to an older version of a mapping goes back to its table.

use std::collections::HashMap;

use scim_mapping::{LookupTable, MappingSet, ResourceKind, TableContent};
use scim_provisioning::model::ModelSource;
use serde_json::{Value, json};

use super::declared::hold_configured;
use super::mappings::{active, definition, put_rules};
use super::{Act, Actor, AdminService, entry};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::invalid::Problem;
use crate::mapping::{DRAFT, MappingVersion, check_tests};
use crate::store::{AdminStoreExt, AdminTransaction, AdminView, AuditTrail, Written};
use crate::table::{TABLES, TableSummary, TableUse, TableVersion, tables_of};

/// Which version of a table somebody saw who puts another one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableSeen {
    /// Nobody looked: whatever is there.
    #[default]
    Any,
    /// None was there.
    None,
    /// The one of this number.
    Version(i64),
}

impl TableSeen {
    fn is_still(self, version: Option<i64>) -> bool {
        match self {
            Self::Any => true,
            Self::None => version.is_none(),
            Self::Version(seen) => version == Some(seen),
        }
    }
}

/// A table that was put, and the rules in force that look values up in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutTable {
    /// The version that is there now.
    pub table: TableVersion,
    /// Whether it is another one than before.
    pub changed: bool,
    /// The rules that use it, those of drafts among them.
    pub uses: Vec<TableUse>,
}

impl AdminService {
    /// The newest versions of the lookup tables, by name.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn lookup_tables(&self) -> Result<Vec<TableSummary>, AdminError> {
        self.store.read(|rows| Ok(rows.lookup_tables()?))
    }

    /// A version of a lookup table, or the newest.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn lookup_table(
        &self,
        name: &str,
        version: Option<i64>,
    ) -> Result<TableVersion, AdminError> {
        let found = self
            .store
            .read(|rows| Ok(rows.lookup_table(name, version)?))?;
        found.ok_or_else(|| missing(name))
    }

    /// The rules that use a lookup table, in force or drafted.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn table_uses(&self, name: &str) -> Result<Vec<TableUse>, AdminError> {
        self.store.read(|rows| uses(rows, name))
    }

    /// Makes the first version of a table, or the next one. Rules in force use it from the next
    /// request on; of who is there nothing changes until the rules are applied again.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a table that cannot be used, and where rules in force do not fit it
    /// or one of their tests fails; [`AdminError::Stale`] when another version is there than was seen.
    pub fn put_table(
        &self,
        actor: &Actor,
        name: &str,
        content: TableContent,
        seen: TableSeen,
    ) -> Result<PutTable, AdminError> {
        let actor = &self.act(actor);
        let table = LookupTable::new(name, content)?;
        let actor = actor.clone();
        self.store.write(move |rows| {
            hold_configured(rows)?;
            let before = rows.lookup_table(table.name(), None)?;
            if !seen.is_still(before.as_ref().map(|before| before.version)) {
                return Err(match seen {
                    TableSeen::None => AdminError::NameTaken(table.name().to_owned()),
                    _ => AdminError::Stale,
                });
            }
            let uses = uses(rows, table.name())?;
            if let Some(before) = before.filter(|before| before.content == *table.content()) {
                return Ok(Written::Unchanged(PutTable {
                    table: before,
                    changed: false,
                    uses,
                }));
            }
            let (version, audit) = insert_version(rows, &actor, &table)?;
            let mut trail = vec![audit];
            trail.extend(take_up(rows, &actor, table.name())?);
            let put = PutTable {
                table: version,
                changed: true,
                uses,
            };
            Ok(match AuditTrail::of(trail) {
                Some(trail) => Written::Changed(put, trail),
                None => Written::Unchanged(put),
            })
        })
    }

    /// Deletes a lookup table that no rule in force or drafted uses.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when a rule uses it.
    pub fn delete_table(&self, actor: &Actor, name: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (actor, name) = (actor.clone(), name.to_owned());
        self.store.write(move |rows| {
            hold_configured(rows)?;
            let audit = delete_unused(rows, &actor, &name)?;
            Ok(Written::changed((), audit))
        })
    }
}

fn missing(name: &str) -> AdminError {
    AdminError::not_found("lookup table", name)
}

/// The mappings of every configuration: each version in force and each draft.
fn mappings(
    rows: &mut dyn AdminView,
) -> Result<Vec<(ProvisioningConfiguration, MappingVersion)>, AdminError> {
    let mut found = Vec::new();
    for configuration in rows.configurations()? {
        for resource in ResourceKind::ALL {
            let in_force = active(&configuration, resource);
            let versions = rows.mapping_versions(configuration.id, resource)?;
            let versions = versions.into_iter();
            found.extend(
                versions
                    .filter(|version| [DRAFT, in_force].contains(&version.version))
                    .map(|version| (configuration.clone(), version)),
            );
        }
    }
    Ok(found)
}

fn uses(rows: &mut dyn AdminView, name: &str) -> Result<Vec<TableUse>, AdminError> {
    let mappings = mappings(rows)?;
    let of = |(configuration, version): &(ProvisioningConfiguration, MappingVersion)| {
        let mut tables = version.rules.tables();
        let rules = tables.remove(name)?;
        Some(TableUse {
            configuration: configuration.id,
            name: configuration.name.clone(),
            resource: version.rules.resource,
            draft: version.version == DRAFT,
            rules: rules.into_iter().map(str::to_owned).collect(),
        })
    };
    Ok(mappings.iter().filter_map(of).collect())
}

/// Inserts the next version of a table.
pub(super) fn insert_version(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    table: &LookupTable,
) -> Result<(TableVersion, AuditEntry), AdminError> {
    let before = rows.lookup_table(table.name(), None)?;
    if before.is_none() && rows.lookup_tables()?.len() >= TABLES {
        return Err(Problem::TooManyTables { most: TABLES }.refused());
    }
    let version = TableVersion {
        name: table.name().to_owned(),
        version: before.as_ref().map_or(0, |before| before.version) + 1,
        content: table.content().clone(),
        created_by: actor.name.clone(),
        created: actor.at,
    };
    rows.insert_lookup_table(&version)?;
    let event = match &before {
        Some(_) => "table.edited",
        None => "table.created",
    };
    let details = changes(before.as_ref(), &version);
    Ok((version, entry(actor, event, table.name(), details)))
}

/// What the audit tells of a version of a table: how many rows came, went and changed.
fn changes(before: Option<&TableVersion>, after: &TableVersion) -> Value {
    let by_key = |table: &TableVersion| -> HashMap<String, Vec<String>> {
        let rows = table.content.rows.iter().cloned();
        rows.filter_map(|row| Some((row.first()?.clone(), row)))
            .collect()
    };
    let told = |table: &TableVersion| {
        json!({
            "version": table.version,
            "columns": table.content.columns,
            "rows": table.content.rows.len(),
        })
    };
    let (old, new) = (before.map(by_key).unwrap_or_default(), by_key(after));
    let added = new.keys().filter(|key| !old.contains_key(*key)).count();
    let removed = old.keys().filter(|key| !new.contains_key(*key)).count();
    let changed = new
        .iter()
        .filter(|(key, row)| old.get(*key).is_some_and(|before| before != *row))
        .count();
    json!({
        "old": before.map(told),
        "new": told(after),
        "rowsAdded": added,
        "rowsRemoved": removed,
        "rowsChanged": changed,
    })
}

/// Puts the newest version of a table under every mapping in force that uses an older one.
pub(super) fn take_up(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    name: &str,
) -> Result<Vec<AuditEntry>, AdminError> {
    let newest = rows
        .lookup_table(name, None)?
        .ok_or_else(|| missing(name))?;
    let mut trail = Vec::new();
    for (configuration, version) in mappings(rows)? {
        let uses = version.rules.tables().contains_key(name);
        let is_older = version.tables.get(name) != Some(&newest.version);
        if version.version == DRAFT || !uses || !is_older {
            continue;
        }
        check_fits(rows, &configuration, &version.rules)?;
        let note = format!("Version {} of the table {name}", newest.version);
        trail.push(put_rules(
            rows,
            actor,
            &configuration,
            version.rules.clone(),
            &note,
        )?);
    }
    Ok(trail)
}

/// Checks that rules in force fit the newest tables, and do what their tests say.
fn check_fits(
    rows: &mut dyn AdminTransaction,
    configuration: &ProvisioningConfiguration,
    rules: &MappingSet,
) -> Result<(), AdminError> {
    let refused = |error| {
        let configuration = configuration.name.clone();
        Problem::ActiveMapping {
            configuration,
            error,
        }
        .refused()
    };
    let tables = tables_of(rows, rules, None)?;
    let fields = rows.custom_fields()?;
    let catalog = scim_mapping::Catalog::with_custom(fields.clone()).with_tables(tables.clone());
    rules
        .compile_in_force(&definition(rules.resource, &catalog), &catalog)
        .map_err(refused)?;
    if rules.tests.is_empty() {
        return Ok(());
    }
    // The tests of one mapping do not look at the other one.
    let source = ModelSource::usual(fields).with_rules(rules.clone(), tables);
    check_tests(&source, rules.resource).map_err(refused)
}

/// Deletes a table that no rule uses.
pub(super) fn delete_unused(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    name: &str,
) -> Result<AuditEntry, AdminError> {
    let before = rows
        .lookup_table(name, None)?
        .ok_or_else(|| missing(name))?;
    if let Some(found) = uses(rows, name)?.into_iter().next() {
        return Err(in_use(found).refused());
    }
    rows.delete_lookup_table(name)?;
    let details =
        json!({ "old": { "version": before.version, "rows": before.content.rows.len() } });
    Ok(entry(actor, "table.deleted", name, details))
}

fn in_use(found: TableUse) -> Problem {
    Problem::TableInUse {
        rule: found.rules.into_iter().next().unwrap_or_default(),
        configuration: found.name,
    }
}
