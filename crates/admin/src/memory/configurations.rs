//! Provisioning configurations in memory.

use scim_mapping::ResourceKind;
use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, StoreError};

use super::rows::Rows;
use crate::configuration::ProvisioningConfiguration;
use crate::store::{ReadConfigurations, WriteConfigurations};

impl Rows {
    fn configuration_mut(
        &mut self,
        id: ConfigurationId,
    ) -> Result<&mut ProvisioningConfiguration, StoreError> {
        let found = self.configurations.iter_mut().find(|known| known.id == id);
        found.ok_or(StoreError::Stale)
    }

    fn check_free(&self, configuration: &ProvisioningConfiguration) -> Result<(), StoreError> {
        let name = fold(&configuration.name);
        let mut others = self.configurations.iter();
        match others.any(|known| known.id != configuration.id && fold(&known.name) == name) {
            true => Err(StoreError::Conflict { attribute: "name" }),
            false => Ok(()),
        }
    }

    /// A configuration as it is read: with the revision of the fields.
    fn with_fields(&self, found: &ProvisioningConfiguration) -> ProvisioningConfiguration {
        let mut found = found.clone();
        found.model.fields = self.field_revision;
        found
    }
}

impl ReadConfigurations for Rows {
    fn configurations(&mut self) -> Result<Vec<ProvisioningConfiguration>, StoreError> {
        let all = self.configurations.iter();
        let mut found: Vec<_> = all.map(|one| self.with_fields(one)).collect();
        found.sort_by_key(|configuration| fold(&configuration.name));
        Ok(found)
    }

    fn configuration(
        &mut self,
        id: ConfigurationId,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        let found = self.configurations.iter().find(|known| known.id == id);
        Ok(found.map(|found| self.with_fields(found)))
    }

    fn configuration_by_name(
        &mut self,
        name: &str,
    ) -> Result<Option<ProvisioningConfiguration>, StoreError> {
        let name = fold(name.trim());
        let mut known = self.configurations.iter();
        let found = known.find(|known| fold(&known.name) == name);
        Ok(found.map(|found| self.with_fields(found)))
    }
}

impl WriteConfigurations for Rows {
    fn lock_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        self.configuration_mut(id).map(|_found| ())
    }

    fn insert_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError> {
        self.check_free(configuration)?;
        self.configurations.push(configuration.clone());
        Ok(())
    }

    fn update_configuration(
        &mut self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(), StoreError> {
        self.check_free(configuration)?;
        let known = self.configuration_mut(configuration.id)?;
        if known.version != configuration.version {
            return Err(StoreError::Stale);
        }
        // What administrators enter; the rest has operations of its own.
        *known = ProvisioningConfiguration {
            version: known.version + 1,
            model: known.model,
            guard_reset: known.guard_reset,
            created: known.created,
            ..configuration.clone()
        };
        Ok(())
    }

    fn delete_configuration(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        self.configuration_mut(id)?;
        self.configurations.retain(|known| known.id != id);
        self.tokens
            .retain(|stored| stored.token.configuration != id);
        self.mappings.retain(|version| version.configuration != id);
        self.held_users.retain(|(of, _)| *of != id);
        self.held_members.retain(|(of, _)| *of != id);
        self.links.retain(|(of, _)| *of != id);
        for person in &mut self.people {
            person.managed_by = person.managed_by.filter(|by| *by != id);
        }
        for group in &mut self.groups {
            group.managed_by = group.managed_by.filter(|by| *by != id);
        }
        Ok(())
    }

    fn set_active_mapping(
        &mut self,
        id: ConfigurationId,
        resource: ResourceKind,
        expected: i64,
        version: i64,
    ) -> Result<(), StoreError> {
        let known = self.configuration_mut(id)?;
        let active = match resource {
            ResourceKind::User => &mut known.model.user,
            ResourceKind::Group => &mut known.model.group,
        };
        if *active != expected {
            return Err(StoreError::Stale);
        }
        *active = version;
        Ok(())
    }
}
