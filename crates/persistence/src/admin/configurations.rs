//! Rows of `provisioning_configurations`.

use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::configuration::{ConfigurationStatus, parse_profile, profile_name};
use scim_admin::store::{ReadConfigurations, WriteConfigurations};
use scim_admin::{IdentityProvider, ProvisioningConfiguration};
use scim_mapping::MappedResource;
use scim_protocol::text::fold;
use scim_provisioning::model::ModelVersion;
use scim_provisioning::{ConfigurationId, StoreError};
use serde::Serialize;

use super::AdminRows;
use crate::error::unreadable;
use crate::held_members;
use crate::people;
use crate::sql::Sql;
use crate::time::{instant, millis};
use crate::totals;

/// The columns of a [`ConfigurationRow`], of the table with the alias `c`. Their names do not meet
/// those of a token's columns.
pub(super) const COLUMNS: &str = "c.id AS c_id, c.name AS c_name, c.description AS c_description, \
    CAST(c.enabled AS INTEGER) AS c_enabled, CAST(c.paused AS INTEGER) AS c_paused, CAST(c.users AS INTEGER) AS c_users, \
    CAST(c.groups AS INTEGER) AS c_groups, c.identity_provider AS c_identity_provider, \
    c.profile AS c_profile, c.policies AS c_policies, c.networks AS c_networks, c.guard_reset_at AS c_guard_reset_at, c.user_mapping AS c_user_mapping, \
    c.group_mapping AS c_group_mapping, (SELECT revision FROM field_catalog) AS c_fields, c.version AS c_version, \
    c.created_at AS c_created_at, c.updated_at AS c_updated_at";

#[derive(diesel::QueryableByName)]
pub(super) struct ConfigurationRow {
    #[diesel(sql_type = Text)]
    c_id: String,
    #[diesel(sql_type = Text)]
    c_name: String,
    #[diesel(sql_type = Text)]
    c_description: String,
    #[diesel(sql_type = Integer)]
    c_enabled: i32,
    #[diesel(sql_type = Integer)]
    c_paused: i32,
    #[diesel(sql_type = Integer)]
    c_users: i32,
    #[diesel(sql_type = Integer)]
    c_groups: i32,
    #[diesel(sql_type = Text)]
    c_identity_provider: String,
    #[diesel(sql_type = Text)]
    c_profile: String,
    #[diesel(sql_type = Text)]
    c_policies: String,
    #[diesel(sql_type = Text)]
    c_networks: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    c_guard_reset_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    c_user_mapping: i64,
    #[diesel(sql_type = BigInt)]
    c_group_mapping: i64,
    #[diesel(sql_type = BigInt)]
    c_fields: i64,
    #[diesel(sql_type = BigInt)]
    c_version: i64,
    #[diesel(sql_type = BigInt)]
    c_created_at: i64,
    #[diesel(sql_type = BigInt)]
    c_updated_at: i64,
}

impl TryFrom<ConfigurationRow> for ProvisioningConfiguration {
    type Error = StoreError;

    fn try_from(row: ConfigurationRow) -> Result<Self, StoreError> {
        let known = || unreadable("provisioning_configurations");
        Ok(Self {
            id: ConfigurationId::parse(&row.c_id).ok_or_else(known)?,
            name: row.c_name,
            description: row.c_description,
            status: match (row.c_enabled != 0, row.c_paused != 0) {
                (false, _) => ConfigurationStatus::Disabled,
                (true, true) => ConfigurationStatus::Paused,
                (true, false) => ConfigurationStatus::Enabled,
            },
            users: row.c_users != 0,
            groups: row.c_groups != 0,
            identity_provider: IdentityProvider::parse(&row.c_identity_provider)
                .ok_or_else(known)?,
            profile: parse_profile(&row.c_profile).ok_or_else(known)?,
            policies: serde_json::from_str(&row.c_policies).map_err(|_json| known())?,
            networks: serde_json::from_str(&row.c_networks).map_err(|_json| known())?,
            model: ModelVersion {
                user: row.c_user_mapping,
                group: row.c_group_mapping,
                fields: row.c_fields,
            },
            guard_reset: row.c_guard_reset_at.map(instant),
            version: row.c_version,
            created: instant(row.c_created_at),
            last_modified: instant(row.c_updated_at),
        })
    }
}

impl ReadConfigurations for AdminRows<'_> {
    fn configurations(&mut self) -> Result<Vec<ProvisioningConfiguration>, StoreError> {
        let sql = self.connection.sql(&format!(
            "SELECT {COLUMNS} FROM provisioning_configurations c ORDER BY c.name_key, c.id"
        ));
        let rows: Vec<ConfigurationRow> = self.connection.rows(&sql)?;
        let read = ProvisioningConfiguration::try_from;
        rows.into_iter().map(read).collect()
    }

    fn configuration(
        &mut self,
        id: ConfigurationId,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        let mut sql = self.connection.sql(&format!(
            "SELECT {COLUMNS} FROM provisioning_configurations c WHERE c.id = "
        ));
        sql.bind(id.to_string());
        let row: Option<ConfigurationRow> = self.connection.row(&sql)?;
        row.map(ProvisioningConfiguration::try_from).transpose()
    }

    fn configuration_by_name(
        &mut self,
        name: &str,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        let mut sql = self.connection.sql(&format!(
            "SELECT {COLUMNS} FROM provisioning_configurations c WHERE c.name_key = "
        ));
        sql.bind(fold(name.trim()));
        let row: Option<ConfigurationRow> = self.connection.row(&sql)?;
        row.map(ProvisioningConfiguration::try_from).transpose()
    }
}

impl WriteConfigurations for AdminRows<'_> {
    fn lock_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE provisioning_configurations SET version = version WHERE id = ");
        sql.bind(id.to_string());
        there(self.connection.execute(&sql)?)
    }

    fn insert_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "INSERT INTO provisioning_configurations (id, created_at, version, name, name_key, \
             description, enabled, paused, users, groups, identity_provider, profile, policies, \
             networks, updated_at) VALUES (",
        );
        sql.bind(configuration.id.to_string());
        sql.push(", ")
            .bind(millis(configuration.created))
            .push(", 1");
        for (_, write) in columns(configuration) {
            sql.push(", ");
            sql.bind(write);
        }
        sql.push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn update_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE provisioning_configurations SET version = version + 1");
        for (name, value) in columns(configuration) {
            sql.push(", ").push(name).push(" = ").bind(value);
        }
        sql.push(" WHERE id = ").bind(configuration.id.to_string());
        sql.push(" AND version = ").bind(configuration.version);
        there(self.connection.execute(&sql)?)
    }

    fn delete_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        let of = |mut sql: Sql| {
            sql.bind(id.to_string());
            sql
        };
        let sql = self
            .connection
            .sql("DELETE FROM provisioning_configurations WHERE id = ");
        there(self.connection.execute(&of(sql))?)?;
        people::release(self.connection, &id.to_string())?;
        let sql = self
            .connection
            .sql("UPDATE groups SET managed_by = NULL WHERE managed_by = ");
        self.connection.execute(&of(sql))?;
        held_members::release(self.connection, "held_by", &id.to_string())?;
        totals::forget(self.connection, id)
    }

    fn set_active_mapping(
        &mut self,
        id: ConfigurationId,
        resource: MappedResource,
        expected: i64,
        version: i64,
    ) -> Result<(), StoreError> {
        let column = match resource {
            MappedResource::User => "user_mapping",
            MappedResource::Group => "group_mapping",
        };
        let mut sql = self
            .connection
            .sql("UPDATE provisioning_configurations SET ");
        sql.push(column).push(" = ").bind(version);
        sql.push(" WHERE id = ").bind(id.to_string());
        sql.push(" AND ").push(column).push(" = ").bind(expected);
        there(self.connection.execute(&sql)?)
    }
}

fn there(changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// The columns that an administrator changes, in the order of the insert.
fn columns(configuration: &ProvisioningConfiguration) -> [(&'static str, crate::sql::Bind); 12] {
    let status = configuration.status;
    [
        ("name", (&configuration.name).into()),
        ("name_key", fold(&configuration.name).into()),
        ("description", (&configuration.description).into()),
        ("enabled", (status != ConfigurationStatus::Disabled).into()),
        ("paused", (status == ConfigurationStatus::Paused).into()),
        ("users", configuration.users.into()),
        ("groups", configuration.groups.into()),
        (
            "identity_provider",
            configuration.identity_provider.as_str().into(),
        ),
        ("profile", profile_name(configuration.profile).into()),
        ("policies", json(&configuration.policies).into()),
        ("networks", json(&configuration.networks).into()),
        ("updated_at", millis(configuration.last_modified).into()),
    ]
}

fn json(value: &impl Serialize) -> String {
    // Numbers and words alone, which JSON can always write.
    serde_json::to_string(value).unwrap_or_default()
}
