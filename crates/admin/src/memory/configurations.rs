//! Provisioning configurations in memory.

use chrono::{DateTime, Utc};
use scim_mapping::ResourceKind;
use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::rows::Rows;
use crate::configuration::ProvisioningConfiguration;
use crate::store::{EndConfigurations, ReadConfigurations, ReadDeletions, WriteConfigurations};

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
        match self.configuration_mut(id)?.deletion {
            None => Ok(()),
            Some(_run) => Err(StoreError::Stale),
        }
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
        if known.version != configuration.version || known.deletion.is_some() {
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
        Ok(())
    }

    fn delete_tokens(&mut self, id: ConfigurationId) -> Result<(), StoreError> {
        self.tokens
            .retain(|stored| stored.token.configuration != id);
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

impl ReadDeletions for Rows {
    fn deletion_due(
        &mut self,
        run: Option<RunId>,
        _now: DateTime<Utc>,
    ) -> Result<Option<(ConfigurationId, RunId)>, StoreError> {
        let all = self.configurations.iter();
        let deleted = all.filter_map(|one| Some((one.id, one.deletion?)));
        let mut deleted = deleted.filter(|(_, of)| run.is_none_or(|run| *of == run));
        Ok(deleted.next())
    }
}

impl EndConfigurations for Rows {
    fn lock_deletion(&mut self, id: ConfigurationId, run: RunId) -> Result<(), StoreError> {
        match self.configuration_mut(id)?.deletion == Some(run) {
            true => Ok(()),
            false => Err(StoreError::Stale),
        }
    }

    fn let_go(&mut self, id: ConfigurationId, limit: usize) -> Result<usize, StoreError> {
        let mut room = Room(limit);
        self.held_users.retain(|(of, _)| *of != id || !room.take());
        self.held_members
            .retain(|(of, _)| *of != id || !room.take());
        self.links.retain(|(of, _)| *of != id || !room.take());
        let people = self.people.iter_mut().map(|one| &mut one.managed_by);
        let groups = self.groups.iter_mut().map(|one| &mut one.managed_by);
        for managed in people.chain(groups) {
            if *managed == Some(id) && room.take() {
                *managed = None;
            }
        }
        Ok(limit - room.0)
    }
}

/// How many more there may be.
struct Room(usize);

impl Room {
    /// Takes one, if there is room.
    fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}
