//! Rows of `provisioning_configurations`.

use diesel::{
    AsChangeset, ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use scim_admin::configuration::{ConfigurationStatus, parse_profile, profile_name};
use scim_admin::store::{ReadConfigurations, WriteConfigurations};
use scim_admin::{IdentityProvider, ProvisioningConfiguration};
use scim_mapping::ResourceKind;
use scim_protocol::text::fold;
use scim_provisioning::model::ModelVersion;
use scim_provisioning::{ConfigurationId, RehearsalStage, Rehearsing, RunId, StoreError};
use serde::Serialize;

use super::{AdminRows, there};
use crate::error::unreadable;
use crate::schema::{access_tokens, provisioning_configurations};
use crate::time::{instant, millis};
use crate::totals;

#[derive(Queryable, Selectable)]
#[diesel(table_name = provisioning_configurations)]
pub(super) struct ConfigurationRow {
    id: String,
    name: String,
    description: String,
    enabled: i32,
    paused: i32,
    users: i32,
    groups: i32,
    identity_provider: String,
    profile: String,
    policies: String,
    networks: String,
    rehearsal: Option<String>,
    rehearsal_stage: Option<String>,
    deletion: Option<String>,
    guard_reset_at: Option<i64>,
    user_mapping: i64,
    group_mapping: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

/// What an administrator enters.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = provisioning_configurations)]
#[diesel(treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct EnteredRow<'a> {
    name: &'a str,
    name_key: String,
    description: &'a str,
    enabled: i32,
    paused: i32,
    users: i32,
    groups: i32,
    identity_provider: &'a str,
    profile: &'a str,
    policies: String,
    networks: String,
    rehearsal: Option<String>,
    rehearsal_stage: Option<&'static str>,
    deletion: Option<String>,
    updated_at: i64,
}

impl<'a> From<&'a ProvisioningConfiguration> for EnteredRow<'a> {
    fn from(configuration: &'a ProvisioningConfiguration) -> Self {
        let status = configuration.status;
        Self {
            name: &configuration.name,
            name_key: fold(&configuration.name),
            description: &configuration.description,
            // To a program that knows no deletions it is disabled, and no rehearsals, paused.
            enabled: (!matches!(
                status,
                ConfigurationStatus::Disabled | ConfigurationStatus::Deleting
            ))
            .into(),
            paused: matches!(
                status,
                ConfigurationStatus::Paused | ConfigurationStatus::Rehearsing
            )
            .into(),
            users: configuration.users.into(),
            groups: configuration.groups.into(),
            identity_provider: configuration.identity_provider.as_str(),
            profile: profile_name(configuration.profile),
            policies: json(&configuration.policies),
            networks: json(&configuration.networks),
            rehearsal: configuration.rehearsal.map(|of| of.id.to_string()),
            rehearsal_stage: configuration.rehearsal.map(|of| of.stage.as_str()),
            deletion: configuration.deletion.map(|run| run.to_string()),
            updated_at: millis(configuration.last_modified),
        }
    }
}

/// The columns of a configuration, and how often the custom fields changed: for
/// [`ConfigurationRow::read`].
macro_rules! columns {
    () => {
        (
            $crate::admin::configurations::ConfigurationRow::as_select(),
            $crate::schema::field_catalog::table
                .select($crate::schema::field_catalog::revision)
                .single_value(),
        )
    };
}
pub(super) use columns;

impl ConfigurationRow {
    /// The configuration, with the revision of the custom fields.
    pub(super) fn read(
        self,
        revision: Option<i64>,
    ) -> Result<ProvisioningConfiguration, StoreError> {
        let known = || unreadable("provisioning_configurations");
        let rehearsal = match (&self.rehearsal, &self.rehearsal_stage) {
            (Some(id), Some(stage)) => Some(Rehearsing {
                id: RunId::parse(id).ok_or_else(known)?,
                stage: RehearsalStage::parse(stage).ok_or_else(known)?,
            }),
            _ => None,
        };
        let deletion = match &self.deletion {
            Some(run) => Some(RunId::parse(run).ok_or_else(known)?),
            None => None,
        };
        Ok(ProvisioningConfiguration {
            id: ConfigurationId::parse(&self.id).ok_or_else(known)?,
            name: self.name,
            description: self.description,
            status: match (self.enabled != 0, self.paused != 0) {
                _ if deletion.is_some() => ConfigurationStatus::Deleting,
                _ if rehearsal.is_some() => ConfigurationStatus::Rehearsing,
                (false, _) => ConfigurationStatus::Disabled,
                (true, true) => ConfigurationStatus::Paused,
                (true, false) => ConfigurationStatus::Enabled,
            },
            users: self.users != 0,
            groups: self.groups != 0,
            identity_provider: IdentityProvider::parse(&self.identity_provider)
                .ok_or_else(known)?,
            profile: parse_profile(&self.profile).ok_or_else(known)?,
            policies: serde_json::from_str(&self.policies).map_err(|_json| known())?,
            networks: serde_json::from_str(&self.networks).map_err(|_json| known())?,
            rehearsal,
            deletion,
            model: ModelVersion {
                user: self.user_mapping,
                group: self.group_mapping,
                fields: revision.ok_or_else(|| unreadable("field_catalog"))?,
            },
            guard_reset: self.guard_reset_at.map(instant),
            version: self.version,
            created: instant(self.created_at),
            last_modified: instant(self.updated_at),
        })
    }
}

impl ReadConfigurations for AdminRows<'_> {
    fn configurations(&mut self) -> Result<Vec<ProvisioningConfiguration>, StoreError> {
        let query = provisioning_configurations::table
            .select(columns!())
            .order((
                provisioning_configurations::name_key,
                provisioning_configurations::id,
            ));
        let rows: Vec<(ConfigurationRow, Option<i64>)> = self.connection.load(query)?;
        let read = |(row, revision): (ConfigurationRow, _)| row.read(revision);
        rows.into_iter().map(read).collect()
    }

    fn configuration(
        &mut self,
        id: ConfigurationId,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        let query = provisioning_configurations::table
            .find(id.to_string())
            .select(columns!());
        let row: Option<(ConfigurationRow, Option<i64>)> = self.connection.first(query)?;
        row.map(|(row, revision)| row.read(revision)).transpose()
    }

    fn configuration_by_name(
        &mut self,
        name: &str,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        let query = provisioning_configurations::table
            .filter(provisioning_configurations::name_key.eq(fold(name.trim())))
            .select(columns!());
        let row: Option<(ConfigurationRow, Option<i64>)> = self.connection.first(query)?;
        row.map(|(row, revision)| row.read(revision)).transpose()
    }
}

impl WriteConfigurations for AdminRows<'_> {
    fn lock_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        let found = provisioning_configurations::table
            .find(id.to_string())
            .filter(provisioning_configurations::deletion.is_null());
        let update = diesel::update(found)
            .set(provisioning_configurations::version.eq(provisioning_configurations::version));
        there(self.connection.execute(update)?)
    }

    fn insert_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError> {
        let insert = diesel::insert_into(provisioning_configurations::table).values((
            provisioning_configurations::id.eq(configuration.id.to_string()),
            provisioning_configurations::created_at.eq(millis(configuration.created)),
            provisioning_configurations::version.eq(1),
            EnteredRow::from(configuration),
        ));
        self.connection.execute(insert).map(drop)
    }

    fn update_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError> {
        let seen = provisioning_configurations::table
            .find(configuration.id.to_string())
            .filter(provisioning_configurations::version.eq(configuration.version))
            .filter(provisioning_configurations::deletion.is_null());
        let update = diesel::update(seen).set((
            provisioning_configurations::version.eq(provisioning_configurations::version + 1),
            EnteredRow::from(configuration),
        ));
        there(self.connection.execute(update)?)
    }

    fn delete_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        let delete = diesel::delete(provisioning_configurations::table.find(id.to_string()));
        there(self.connection.execute(delete)?)?;
        totals::forget(self.connection, id)
    }

    fn delete_tokens(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        let of = access_tokens::table.filter(access_tokens::configuration_id.eq(id.to_string()));
        self.connection.execute(diesel::delete(of)).map(drop)
    }

    fn set_active_mapping(
        &mut self,
        id: ConfigurationId,
        resource: ResourceKind,
        expected: i64,
        version: i64,
    ) -> Result<(), StoreError> {
        use provisioning_configurations::{group_mapping, user_mapping};
        let found = provisioning_configurations::table.find(id.to_string());
        let changed = match resource {
            ResourceKind::User => {
                let update = diesel::update(found.filter(user_mapping.eq(expected)));
                self.connection
                    .execute(update.set(user_mapping.eq(version)))?
            }
            ResourceKind::Group => {
                let update = diesel::update(found.filter(group_mapping.eq(expected)));
                self.connection
                    .execute(update.set(group_mapping.eq(version)))?
            }
        };
        there(changed)
    }
}

fn json(value: &impl Serialize) -> String {
    // Numbers and words alone, which JSON can always write.
    serde_json::to_string(value).unwrap_or_default()
}
