//! Custom fields.

use scim_mapping::{Catalog, CustomField, ResourceKind};
use serde_json::json;

use super::mappings::definition;
use super::{Act, Actor, AdminService, VersionChoice, entry, taken};
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::invalid::{InputField, Problem};
use crate::mapping::FIELDS;
use crate::store::{AdminStoreExt, AdminTransaction, Written};

impl AdminService {
    /// The custom fields, the oldest first.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn custom_fields(&self) -> Result<Vec<CustomField>, AdminError> {
        self.store.read(|rows| Ok(rows.custom_fields()?))
    }

    /// Adds a custom field.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`].
    pub fn add_custom_field(&self, actor: &Actor, field: &CustomField) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        field.check()?;
        if self.custom_fields()?.len() >= FIELDS {
            return Err(Problem::TooManyFields { most: FIELDS }.refused());
        }
        let (actor, field) = (actor.clone(), field.clone());
        self.store
            .write(move |rows| Ok(Written::changed((), insert_field(rows, &actor, &field)?)))
    }

    /// Puts a definition in the place of the one of its key: another label, other options or limits.
    /// The type stays, because there are values of it; values that no longer fit stay until the next
    /// change of their user.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] for another type, or when an active rule
    /// does not fit it.
    pub fn edit_custom_field(&self, actor: &Actor, field: &CustomField) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        field.check()?;
        let mut fields = self.custom_fields()?;
        let missing = || AdminError::not_found("custom field", &field.key);
        let found = fields.iter_mut().find(|known| known.key == field.key);
        let found = found.ok_or_else(missing)?;
        if !found.kind.same_type(&field.kind) {
            return Err(
                Problem::TypeChanged.at(InputField::CustomField(scim_mapping::FieldPart::Type))
            );
        }
        let before = std::mem::replace(found, field.clone());
        self.check_active_rules(fields)?;
        let (actor, after) = (actor.clone(), field.clone());
        self.store.write(move |rows| {
            let audit = update_field(rows, &actor, &before, &after)?;
            Ok(Written::changed((), audit))
        })
    }

    /// Checks that the active rules of every configuration fit these fields.
    fn check_active_rules(&self, fields: Vec<CustomField>) -> Result<(), AdminError> {
        let fields = Catalog::with_custom(fields);
        let configurations = self.configurations(None)?;
        let kinds = ResourceKind::ALL.into_iter();
        for (configuration, resource) in
            kinds.flat_map(|kind| configurations.iter().map(move |one| (one, kind)))
        {
            let id = configuration.id;
            let active = self.mapping(id, resource, VersionChoice::Active)?;
            let tables = self.tables_of(&active.rules, active.pins())?;
            let catalog = fields.clone().with_tables(tables);
            let fits = active
                .rules
                .compile_in_force(&definition(resource, &catalog), &catalog);
            if let Err(error) = fits {
                let configuration = configuration.name.clone();
                return Err(Problem::ActiveMapping {
                    configuration,
                    error,
                }
                .refused());
            }
        }
        Ok(())
    }

    /// Deletes a custom field that no active or drafted rule writes or grants.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] when a rule writes or grants it.
    pub fn delete_custom_field(&self, actor: &Actor, key: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let field = scim_mapping::Field::Custom(key.to_owned());
        for configuration in self.configurations(None)? {
            for resource in ResourceKind::ALL {
                let (_, versions) = self.mappings(configuration.id, resource)?;
                let active = configuration.model.mapping(resource);
                let used = versions
                    .iter()
                    .filter(|version| version.state(active) != "archived")
                    .find_map(|version| version.rules.rule_that_gives(&field));
                if let Some(rule) = used {
                    return Err(Problem::FieldInUse {
                        rule: rule.to_owned(),
                        configuration: configuration.name,
                    }
                    .refused());
                }
            }
        }
        let (actor, key) = (actor.clone(), key.to_owned());
        self.store
            .write(move |rows| Ok(Written::changed((), delete_field(rows, &actor, &key)?)))
    }

    /// The fields that rules can write.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn catalog(&self) -> Result<Catalog, AdminError> {
        Ok(Catalog::with_custom(self.custom_fields()?))
    }
}

/// Inserts a field, which begins without values.
pub(super) fn insert_field(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    field: &CustomField,
) -> Result<AuditEntry, AdminError> {
    let details = json!({ "new": field });
    let audit = entry(actor, "customField.created", &field.key, details);
    rows.speak_as(&actor.author())?;
    let inserted = rows.insert_custom_field(field, audit.at);
    inserted.map_err(|error| taken(error, &field.key))?;
    // A request that was on its way when a field of this key was deleted may have left values,
    // whatever their type.
    rows.forget_custom_values(&field.key, audit.at)?;
    Ok(audit)
}

/// Puts a definition in the place of the one of its key.
pub(super) fn update_field(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    before: &CustomField,
    after: &CustomField,
) -> Result<AuditEntry, AdminError> {
    rows.speak_as(&actor.author())?;
    if !rows.update_custom_field(after)? {
        return Err(AdminError::not_found("custom field", &after.key));
    }
    let details = json!({ "old": before, "new": after });
    Ok(entry(actor, "customField.edited", &after.key, details))
}

/// Deletes a field and its values.
pub(super) fn delete_field(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    key: &str,
) -> Result<AuditEntry, AdminError> {
    let audit = entry(actor, "customField.deleted", key, json!({}));
    rows.speak_as(&actor.author())?;
    if !rows.delete_custom_field(key)? {
        return Err(AdminError::not_found("custom field", key));
    }
    rows.forget_custom_values(key, audit.at)?;
    Ok(audit)
}
