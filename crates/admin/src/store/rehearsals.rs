//! Rows of rehearsals that are under way.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, Rehearsing, RunId, StoreError};

use crate::rehearsal::Rehearsal;

/// Reading rehearsals.
pub trait ReadRehearsals {
    /// The rehearsal of a configuration.
    ///
    /// # Errors
    /// A fault of the store.
    fn rehearsal_of(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Option<Rehearsal>, StoreError>;

    /// Every rehearsal, in order of id.
    ///
    /// # Errors
    /// A fault of the store.
    fn rehearsals(&mut self) -> Result<Vec<Rehearsal>, StoreError>;
}

/// Beginning and ending rehearsals.
pub trait WriteRehearsals {
    /// Inserts a rehearsal.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the configuration has one.
    fn insert_rehearsal(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError>;

    /// Notes that a rehearsal goes live.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone, or goes live already.
    fn begin_going_live(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError>;

    /// Deletes a rehearsal; one that goes live when it `is_done` alone.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone, or goes live.
    fn delete_rehearsal(&mut self, id: RunId, is_done: bool) -> Result<(), StoreError>;
}

/// What becomes of rehearsals.
pub trait KeepRehearsals {
    /// Takes up a rehearsal that goes live and on which nobody works, and keeps others from it until
    /// a time: the one of this id, or the oldest.
    ///
    /// # Errors
    /// A fault of the store.
    fn claim_rehearsal(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Rehearsal>, StoreError>;

    /// Notes how far the rehearsal of a configuration is, for those who answer its identity provider.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the configuration does not rehearse this.
    fn set_stage(
        &mut self,
        configuration: ConfigurationId,
        rehearsing: Rehearsing,
    ) -> Result<(), StoreError>;

    /// Notes how far a rehearsal is that goes live; whoever worked on it is done with this step.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone.
    fn save_rehearsal(&mut self, rehearsal: &Rehearsal) -> Result<(), StoreError>;
}
