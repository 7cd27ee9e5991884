//! What is there, as a document.

use scim_feed::{Stream, StreamState};
use scim_mapping::{CustomField, MappingSet, ResourceKind, TableContent};
use scim_protocol::text::fold;
use serde_json::{Value, json};

use super::document::{
    Declaration, DeclaredConfiguration, DeclaredMappings, DeclaredStream, DeclaredTable,
    DeclaredTypes, FORM,
};
use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration, profile_name};
use crate::error::AdminError;
use crate::mapping::{DRAFT, MappingVersion};
use crate::store::AdminView;

/// A configuration with its rules in use and its drafts.
#[derive(Debug, Clone)]
pub(super) struct Configured {
    pub(super) configuration: ProvisioningConfiguration,
    pub(super) users: Vec<MappingVersion>,
    pub(super) groups: Vec<MappingVersion>,
}

impl Configured {
    pub(super) fn read(
        rows: &mut dyn AdminView,
        configuration: ProvisioningConfiguration,
    ) -> Result<Self, AdminError> {
        Ok(Self {
            users: rows.mapping_versions(configuration.id, ResourceKind::User)?,
            groups: rows.mapping_versions(configuration.id, ResourceKind::Group)?,
            configuration,
        })
    }

    /// The rules in use; nobody activates what is not there.
    pub(super) fn rules(&self, resource: ResourceKind) -> Result<&MappingSet, AdminError> {
        let (versions, active) = match resource {
            ResourceKind::User => (&self.users, self.configuration.model.user),
            ResourceKind::Group => (&self.groups, self.configuration.model.group),
        };
        let mut versions = versions.iter();
        let found = versions.find(|version| version.version == active);
        let missing = || AdminError::not_found("mapping version", &active.to_string());
        found.map(|found| &found.rules).ok_or_else(missing)
    }

    /// The draft, where there is one.
    pub(super) fn draft(&self, resource: ResourceKind) -> Option<&MappingVersion> {
        let versions = match resource {
            ResourceKind::User => &self.users,
            ResourceKind::Group => &self.groups,
        };
        versions.iter().find(|version| version.version == DRAFT)
    }

    fn declared(&self) -> Result<DeclaredConfiguration, AdminError> {
        let rules = |resource| Ok::<Value, AdminError>(json!(self.rules(resource)?));
        Ok(DeclaredConfiguration {
            mappings: Some(DeclaredMappings {
                user: Some(rules(ResourceKind::User)?),
                group: Some(rules(ResourceKind::Group)?),
            }),
            ..configuration(&self.configuration)
        })
    }
}

/// What is configured now, in an order that its names give, so that two exports of the same are
/// equal byte for byte.
pub(crate) fn export(rows: &mut dyn AdminView) -> Result<Declaration, AdminError> {
    let mut fields = rows.custom_fields()?;
    fields.sort_by(|one, other| one.key.cmp(&other.key));
    let mut tables = Vec::new();
    for summary in rows.lookup_tables()? {
        let found = rows.lookup_table(&summary.name, Some(summary.version))?;
        tables.extend(found.map(|found| table(&found.name, found.content)));
    }
    let mut configurations = by_name(rows.configurations()?, |one| &one.name);
    // One that is being deleted is as good as gone.
    configurations.retain(|one| one.deletion.is_none());
    let configurations = configurations.into_iter().map(|one| {
        let configured = Configured::read(rows, one)?;
        configured.declared()
    });
    let configurations = configurations.collect::<Result<Vec<_>, AdminError>>()?;
    let streams = by_name(rows.streams()?, |one| &one.name);
    Ok(Declaration {
        version: FORM,
        custom_fields: Some(fields.iter().map(field).collect()),
        tables: Some(tables),
        configurations: Some(configurations),
        streams: Some(streams.iter().map(stream).collect()),
    })
}

fn by_name<T>(mut things: Vec<T>, name: fn(&T) -> &String) -> Vec<T> {
    things.sort_by_cached_key(|thing| fold(name(thing)));
    things
}

/// A custom field.
pub(super) fn field(field: &CustomField) -> Value {
    json!(field)
}

/// A lookup table.
pub(super) fn table(name: &str, content: TableContent) -> DeclaredTable {
    DeclaredTable {
        name: name.to_owned(),
        columns: content.columns,
        rows: content.rows,
    }
}

/// A configuration without its rules.
pub(super) fn configuration(of: &ProvisioningConfiguration) -> DeclaredConfiguration {
    let policy = match json!(of.policies) {
        Value::Object(policy) => Some(policy),
        _ => None,
    };
    DeclaredConfiguration {
        name: of.name.clone(),
        description: Some(of.description.clone()),
        // A rehearsal is no state to be declared: what is not named stays.
        status: (of.status != ConfigurationStatus::Rehearsing)
            .then(|| of.status.as_str().to_owned()),
        provisioning_type: Some(DeclaredTypes {
            users: Some(of.users),
            groups: Some(of.groups),
        }),
        identity_provider: Some(of.identity_provider.as_str().to_owned()),
        profile: Some(profile_name(of.profile).to_owned()),
        allowed_networks: Some(of.networks.iter().map(ToString::to_string).collect()),
        policy,
        mappings: None,
    }
}

/// A stream. Whether it is broken is nobody's wish.
pub(super) fn stream(of: &Stream) -> DeclaredStream {
    let words = |topics: &Vec<scim_feed::Topic>| {
        let words = topics.iter().map(|topic| topic.as_str().to_owned());
        words.collect()
    };
    DeclaredStream {
        name: of.name.clone(),
        kind: Some(of.kind.as_str().to_owned()),
        url: of.url.as_ref().map(|url| url.as_str().to_owned()),
        topics: of.topics.as_ref().map(words),
        state: match of.state {
            StreamState::Broken => None,
            state => Some(state.as_str().to_owned()),
        },
    }
}
