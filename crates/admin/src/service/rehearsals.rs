//! Rehearsals: begun, opened, discarded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scim_provisioning::{RehearsalStage, Rehearsing, RunId, ServiceProvider, StoreError};

use super::deletion::check_stays;
use super::{Act, Actor, AdminService, update_configuration};
use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration};
use crate::error::AdminError;
use crate::rehearsal::{Copy, Rehearsal, RehearsalStore};
use crate::store::{AdminStoreExt, Written};

/// Where copies are kept, and those that this process answers from.
#[derive(Default)]
pub(super) struct Open {
    copies: Option<Arc<dyn RehearsalStore>>,
    providers: Mutex<HashMap<RunId, Arc<ServiceProvider>>>,
}

impl Open {
    fn providers(&self) -> MutexGuard<'_, HashMap<RunId, Arc<ServiceProvider>>> {
        self.providers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl AdminService {
    /// The same with a place where copies of the directory are kept; without it nothing rehearses.
    #[must_use]
    pub fn with_rehearsals(mut self, copies: Arc<dyn RehearsalStore>) -> Self {
        self.rehearsals.copies = Some(copies);
        self
    }

    pub(super) fn copies(&self) -> Result<&dyn RehearsalStore, AdminError> {
        self.rehearsals.copies.as_deref().ok_or(AdminError::NoCopy)
    }

    pub(super) fn copy(&self, id: RunId) -> Result<Copy, AdminError> {
        self.copies()?.open_copy(id).map_err(|error| match error {
            StoreError::Unavailable(_) => AdminError::NoCopy,
            other => other.into(),
        })
    }

    /// The rehearsal of a configuration.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when it does not rehearse.
    pub fn rehearsal(&self, of: &ProvisioningConfiguration) -> Result<Rehearsal, AdminError> {
        let found = self.store.read(|rows| Ok(rows.rehearsal_of(of.id)?))?;
        found.ok_or_else(|| AdminError::not_found("rehearsal of", &of.name))
    }

    /// The service provider that answers from the copy of a rehearsal.
    ///
    /// # Errors
    /// [`AdminError::NoCopy`]; [`AdminError::Store`].
    pub fn rehearsed(
        &self,
        provider: &ServiceProvider,
        id: RunId,
    ) -> Result<Arc<ServiceProvider>, AdminError> {
        if let Some(known) = self.rehearsals.providers().get(&id) {
            return Ok(Arc::clone(known));
        }
        let copy = self.copy(id)?;
        let made = Arc::new(provider.rehearsing(copy.directory, id));
        let mut providers = self.rehearsals.providers();
        Ok(Arc::clone(providers.entry(id).or_insert(made)))
    }

    /// Writes how many requests came in rehearsals since the last time; what cannot be written is
    /// counted again the next time, or gone with its copy.
    pub fn count_rehearsed(&self) {
        let rehearsed: Vec<_> = self.rehearsals.providers().values().cloned().collect();
        for provider in rehearsed {
            if let Err(error) = provider.count_cycles() {
                tracing::debug!(%error, "the requests of a rehearsal were not counted");
            }
        }
    }

    /// Begins to rehearse: from the next request on the identity provider is answered from a copy of
    /// the directory, if the configuration still is as the administrator saw it.
    ///
    /// # Errors
    /// [`AdminError::Rehearses`] when it does already, [`AdminError::Stale`], [`AdminError::Store`];
    /// nothing has begun then.
    pub fn begin_rehearsal(
        &self,
        actor: &Actor,
        before: &ProvisioningConfiguration,
    ) -> Result<Rehearsal, AdminError> {
        let actor = &self.act(actor);
        let copies = self.copies()?;
        check_stays(before)?;
        if before.status == ConfigurationStatus::Rehearsing {
            return Err(AdminError::Rehearses(before.name.clone()));
        }
        let rehearsal = Rehearsal {
            id: RunId::of(actor.uuid()),
            configuration: before.id,
            began: actor.at,
            actor: actor.author().actor,
            before: before.status,
            live: None,
        };
        self.set_rehearsal(actor, before, &rehearsal)?;
        if before.status == ConfigurationStatus::Enabled {
            // Requests that were let in before are answered by then.
            std::thread::sleep(LET_IN);
        }
        if let Err(error) = copies.make_copy(&rehearsal, &before.name) {
            let found = self.configuration(before.id)?;
            self.discard_rehearsal(actor, &found)?;
            return Err(error.into());
        }
        self.note_stage(&rehearsal, RehearsalStage::Open)?;
        Ok(rehearsal)
    }

    fn set_rehearsal(
        &self,
        actor: &Act,
        before: &ProvisioningConfiguration,
        rehearsal: &Rehearsal,
    ) -> Result<(), AdminError> {
        let after = ProvisioningConfiguration {
            status: ConfigurationStatus::Rehearsing,
            rehearsal: Some(Rehearsing {
                id: rehearsal.id,
                stage: RehearsalStage::Preparing,
            }),
            last_modified: rehearsal.began,
            ..before.clone()
        };
        let (actor, before, rehearsal) = (actor.clone(), before.clone(), rehearsal.clone());
        let event = ConfigurationStatus::Rehearsing.event();
        self.store.write(move |rows| {
            let inserted = rows.insert_rehearsal(&rehearsal);
            inserted.map_err(|error| match error {
                StoreError::Conflict { .. } => AdminError::Rehearses(before.name.clone()),
                other => other.into(),
            })?;
            let (_, audit) = update_configuration(rows, &actor, event, &before, &after)?;
            Ok(Written::changed((), audit))
        })
    }

    fn note_stage(&self, rehearsal: &Rehearsal, stage: RehearsalStage) -> Result<(), AdminError> {
        let (configuration, id) = (rehearsal.configuration, rehearsal.id);
        self.store
            .upkeep(move |rows| Ok(rows.set_stage(configuration, Rehearsing { id, stage })?))
    }

    /// Forgets a rehearsal: the configuration is what it was before, and the directory has nothing
    /// of it. Ids that the identity provider was told are not there from then on.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::GoesLive`]; [`AdminError::Stale`].
    pub fn discard_rehearsal(
        &self,
        actor: &Actor,
        found: &ProvisioningConfiguration,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let actor = &self.act(actor);
        let rehearsal = self.rehearsal(found)?;
        if rehearsal.live.is_some() {
            return Err(AdminError::GoesLive(found.name.clone()));
        }
        let after = ProvisioningConfiguration {
            status: rehearsal.before,
            rehearsal: None,
            last_modified: actor.at,
            ..found.clone()
        };
        let (actor, before, id) = (actor.clone(), found.clone(), rehearsal.id);
        let discarded = self.store.write(move |rows| {
            rows.delete_rehearsal(id, false)?;
            let event = "rehearsal.discarded";
            let (after, audit) = update_configuration(rows, &actor, event, &before, &after)?;
            Ok(Written::changed(after, audit))
        })?;
        self.forget_copy(id);
        Ok(discarded)
    }

    /// Deletes a copy that nobody needs; what cannot be deleted now is later.
    pub(super) fn forget_copy(&self, id: RunId) {
        self.rehearsals.providers().remove(&id);
        let forgotten = self.copies().and_then(|copies| Ok(copies.forget_copy(id)?));
        if let Err(error) = forgotten {
            tracing::warn!(%error, %id, "the copy of a rehearsal could not be deleted yet");
        }
    }

    /// Deletes copies whose rehearsal is over.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_old_copies(&self) -> Result<(), AdminError> {
        let Ok(copies) = self.copies() else {
            return Ok(());
        };
        // Looked for before the rehearsals are, each of which is written before its copy is made.
        let mut there = copies.copies()?;
        there.extend(self.rehearsals.providers().keys().copied());
        if there.is_empty() {
            return Ok(());
        }
        let rehearsals = self.store.read(|rows| Ok(rows.rehearsals()?))?;
        let over = |id: &RunId| !rehearsals.iter().any(|one| one.id == *id);
        for id in there.into_iter().filter(over) {
            self.forget_copy(id);
        }
        Ok(())
    }
}

/// How long requests take that were let in before a rehearsal began. What a slower one writes is in
/// the directory, and moved when the rehearsal goes live.
const LET_IN: std::time::Duration = std::time::Duration::from_millis(500);
