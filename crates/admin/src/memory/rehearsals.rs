//! Rehearsals in memory. Nothing copies a directory there, so that none ever goes on.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, Rehearsing, RunId, StoreError};

use super::Rows;
use crate::configuration::ProvisioningConfiguration;
use crate::rehearsal::Rehearsal;
use crate::store::{KeepRehearsals, ReadRehearsals, WriteRehearsals};

impl ReadRehearsals for Rows {
    fn rehearsal_of(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Option<Rehearsal>, StoreError> {
        let of = |known: &&Rehearsal| known.configuration == configuration;
        Ok(self.rehearsals.iter().find(of).cloned())
    }

    fn rehearsals(&mut self) -> Result<Vec<Rehearsal>, StoreError> {
        Ok(self.rehearsals.clone())
    }
}

impl WriteRehearsals for Rows {
    fn insert_rehearsal(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError> {
        if self.rehearsal_of(rehearsal.configuration)?.is_some() {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.rehearsals.push(rehearsal.clone());
        Ok(())
    }

    fn begin_going_live(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError> {
        let waits = |known: &&mut Rehearsal| known.id == rehearsal.id && known.live.is_none();
        let known = self.rehearsals.iter_mut().find(waits);
        *known.ok_or(StoreError::Stale)? = rehearsal.clone();
        Ok(())
    }

    fn delete_rehearsal(&mut self, id: RunId, is_done: bool) -> Result<(), StoreError> {
        let count = self.rehearsals.len();
        self.rehearsals
            .retain(|known| known.id != id || known.live.is_some() != is_done);
        match self.rehearsals.len() == count {
            true => Err(StoreError::Stale),
            false => Ok(()),
        }
    }
}

impl KeepRehearsals for Rows {
    fn claim_rehearsal(
        &mut self,
        id: Option<RunId>,
        _now: DateTime<Utc>,
        _until: DateTime<Utc>,
    ) -> Result<Option<Rehearsal>, StoreError> {
        let goes = |known: &&Rehearsal| known.live.is_some() && id.is_none_or(|id| known.id == id);
        Ok(self.rehearsals.iter().find(goes).cloned())
    }

    fn set_stage(
        &mut self,
        configuration: ConfigurationId,
        rehearsing: Rehearsing,
    ) -> Result<(), StoreError> {
        let mut known = self.configurations.iter_mut();
        let rehearses = |known: &&mut ProvisioningConfiguration| {
            known.id == configuration && known.rehearsal.is_some_and(|of| of.id == rehearsing.id)
        };
        let known = known.find(rehearses).ok_or(StoreError::Stale)?;
        known.rehearsal = Some(rehearsing);
        known.version += 1;
        Ok(())
    }

    fn save_rehearsal(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError> {
        let mut known = self.rehearsals.iter_mut();
        let known = known.find(|known| known.id == rehearsal.id);
        *known.ok_or(StoreError::Stale)? = rehearsal.clone();
        Ok(())
    }
}
