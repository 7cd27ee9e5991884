//! Mappings of identity providers, as drafts.

use scim_mapping::{Import, ImportFormat, MappingSet, ResourceKind, WithoutEqual};
use scim_provisioning::ConfigurationId;
use serde_json::{Value, json};

use super::{Actor, AdminService, VersionChoice};
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::mapping::{DraftSeen, MappingVersion};

/// What came of a mapping of an identity provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedMapping {
    /// The draft.
    pub draft: MappingVersion,
    /// What is worth a second look.
    pub warnings: Vec<String>,
    /// What has no equal.
    pub without_equal: Vec<WithoutEqual>,
}

impl AdminService {
    /// What a mapping of an identity provider makes of the active rules for users: its rules in the
    /// place of those for the same fields, and what of it has no equal. Nothing is kept.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for what is no such mapping, [`AdminError::NotFound`].
    pub fn read_import(
        &self,
        configuration: ConfigurationId,
        format: ImportFormat,
        document: &Value,
    ) -> Result<(MappingSet, Vec<WithoutEqual>), AdminError> {
        let import = Import::read(format, document);
        let import = import.map_err(|error| Problem::Import(error).at(InputField::Mapping))?;
        let active = self.mapping(configuration, ResourceKind::User, VersionChoice::Active)?;
        let rules = active.rules.with_imported(import.rules);
        Ok((rules, import.without_equal))
    }

    /// Keeps the same as the draft.
    ///
    /// # Errors
    /// As [`Self::read_import`] and [`Self::draft_mapping`].
    pub fn import_mapping(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        (format, document): (ImportFormat, &Value),
        note: &str,
        seen: &DraftSeen,
    ) -> Result<ImportedMapping, AdminError> {
        let (rules, without_equal) = self.read_import(configuration, format, document)?;
        let rules = json!(rules);
        let (draft, warnings) = self.draft_mapping(actor, configuration, &rules, note, seen)?;
        Ok(ImportedMapping {
            draft,
            warnings,
            without_equal,
        })
    }
}
