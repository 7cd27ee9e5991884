//! Custom fields.

use scim_mapping::{Catalog, CustomField, ResourceKind};
use serde_json::json;

use super::mappings::definition;
use super::{Actor, AdminService, VersionChoice, entry, taken};
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::store::{AdminStoreExt, Written};

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
        field.check()?;
        if self.custom_fields()?.len() >= FIELDS {
            return Err(Problem::TooManyFields { most: FIELDS }.refused());
        }
        let audit = entry(
            actor,
            "customField.created",
            &field.key,
            json!({ "new": field }),
        );
        let field = field.clone();
        let author = actor.author();
        self.store.write(move |rows| {
            rows.speak_as(&author)?;
            let inserted = rows.insert_custom_field(&field, audit.at);
            inserted.map_err(|error| taken(error, &field.key))?;
            // A request that was on its way when a field of this key was deleted may have left
            // values; a field begins without values, whatever its type.
            rows.forget_custom_values(&field.key, audit.at)?;
            Ok(Written::changed((), audit.clone()))
        })
    }

    /// Puts a definition in the place of the one of its key: another label, other options or limits.
    /// The type stays, because there are values of it; values that no longer fit stay until the next
    /// change of their user.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] for another type, or when an active rule
    /// does not fit it.
    pub fn edit_custom_field(&self, actor: &Actor, field: &CustomField) -> Result<(), AdminError> {
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
        let details = json!({ "old": &*found, "new": field });
        *found = field.clone();
        self.check_active_rules(fields)?;
        let audit = entry(actor, "customField.edited", &field.key, details);
        let field = field.clone();
        let author = actor.author();
        self.store.write(move |rows| {
            rows.speak_as(&author)?;
            match rows.update_custom_field(&field)? {
                true => Ok(Written::changed((), audit.clone())),
                false => Err(AdminError::not_found("custom field", &field.key)),
            }
        })
    }

    /// Checks that the active rules of every configuration fit these fields.
    fn check_active_rules(&self, fields: Vec<CustomField>) -> Result<(), AdminError> {
        let catalog = Catalog::with_custom(fields);
        for configuration in self.configurations(None)? {
            let (id, resource) = (configuration.id, ResourceKind::User);
            let active = self.mapping(id, resource, VersionChoice::Active)?;
            let fits = active
                .rules
                .compile(&definition(resource, &catalog), &catalog);
            if let Err(error) = fits {
                let configuration = configuration.name;
                return Err(Problem::ActiveMapping {
                    configuration,
                    error,
                }
                .refused());
            }
        }
        Ok(())
    }

    /// Deletes a custom field that no active or drafted rule writes.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] when a rule writes it.
    pub fn delete_custom_field(&self, actor: &Actor, key: &str) -> Result<(), AdminError> {
        for configuration in self.configurations(None)? {
            let (_, versions) = self.mappings(configuration.id, ResourceKind::User)?;
            let used = versions
                .iter()
                .filter(|version| version.state(configuration.model.user) != "archived")
                .flat_map(|version| &version.rules.rules)
                .find(|rule| rule.target == scim_mapping::Field::Custom(key.to_owned()));
            if let Some(rule) = used {
                return Err(Problem::FieldInUse {
                    rule: rule.key.clone(),
                    configuration: configuration.name,
                }
                .refused());
            }
        }
        let audit = entry(actor, "customField.deleted", key, json!({}));
        let key = key.to_owned();
        let author = actor.author();
        self.store.write(move |rows| {
            rows.speak_as(&author)?;
            if !rows.delete_custom_field(&key)? {
                return Err(AdminError::not_found("custom field", &key));
            }
            rows.forget_custom_values(&key, audit.at)?;
            Ok(Written::changed((), audit.clone()))
        })
    }

    /// The fields that rules can write.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn catalog(&self) -> Result<Catalog, AdminError> {
        Ok(Catalog::with_custom(self.custom_fields()?))
    }
}

const FIELDS: usize = 200;
