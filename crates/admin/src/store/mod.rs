//! The port to what administrators configure.
//!
//! A store keeps rows and runs work on them in transactions. It decides nothing: which
//! administrator is the last one, how many tokens there may be, what a decision about held changes
//! means stands in the service above it. What the rows of one noun can be asked and told is a pair
//! of small traits, one file each.
//!
//! Whatever an administrator changes is a [`write`](AdminStoreExt::write), whose work has to answer
//! what the audit says of it; the store appends that in the same transaction. What time and
//! requests bring, which no audit tells of, is [`upkeep`](AdminStoreExt::upkeep), and what can be
//! changed by it is another set of traits.

mod accounts;
mod alerts;
mod api_keys;
mod audit;
mod configurations;
mod devices;
mod held;
mod instance;
mod jobs;
mod log;
mod mappings;
mod people;
mod plans;
mod rehearsals;
mod runs;
mod sessions;
mod streams;
mod tables;
mod tokens;
mod why;

use std::sync::{Arc, Mutex, PoisonError};

use scim_provisioning::StoreError;

pub use accounts::{ReadAccounts, WriteAccounts};
pub use alerts::{KeepAlerts, ReadAlerts};
pub use api_keys::{ReadApiKeys, WriteApiKeys};
pub use audit::{AuditTrail, LockAudit, ReadAudit, Written};
pub use configurations::{
    EndConfigurations, ReadConfigurations, ReadDeletions, WriteConfigurations,
};
pub use devices::{DeviceLink, KeepDevices, ReadDevices, WriteDevices};
pub use held::{ReadWaiting, WriteWaiting};
pub use instance::{KeepInstance, ReadInstance, WriteInstance};
pub use jobs::{KeepJobs, ReadJobs, WriteJobs};
pub use log::{KeepLog, ReadLog, RecordEvents, WriteLog};
pub use mappings::{ReadMappings, WriteCustomFields, WriteMappings};
pub use people::{ReadPeople, WritePeople};
pub use plans::{KeepPlans, ReadPlans};
pub use rehearsals::{KeepRehearsals, ReadRehearsals, WriteRehearsals};
pub use runs::{KeepRuns, ReadRuns, RestorePart, RestoreRows, WriteRuns};
pub use sessions::{KeepSessions, ReadSessions, WriteSessions};
pub use streams::{ReadStreams, WriteStreams};
pub use tables::{ReadTables, WriteTables};
pub use tokens::{KeepTokens, ReadTokens, WriteTokens};
pub use why::{About, KeepWhy, ReadWhy};

use crate::error::AdminError;

/// Work that reads.
pub type ReadWork<'a> = &'a mut dyn FnMut(&mut dyn AdminView) -> Result<(), AdminError>;

/// Work that changes rows and answers what the audit says of it. It may be run again when the
/// database asks for it, so it has no effects but those through the transaction.
pub type WriteWork =
    Box<dyn FnMut(&mut dyn AdminTransaction) -> Result<AuditTrail, Abandoned> + Send>;

/// Work that changes what no audit tells of. It may be run again, like [`WriteWork`].
pub type UpkeepWork = Box<dyn FnMut(&mut dyn AdminUpkeep) -> Result<(), AdminError> + Send>;

/// Why the work of a write was given up, and what it had changed undone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Abandoned {
    /// There was nothing to change.
    Unchanged,
    /// A rule or the store refused it.
    Refused(AdminError),
}

impl From<AdminError> for Abandoned {
    fn from(error: AdminError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Abandoned {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// A name for traits together.
macro_rules! together {
    ($(#[$doc:meta])* $name:ident: $($part:ident)+) => {
        $(#[$doc])*
        pub trait $name: $($part +)+ {}
        impl<T: $($part +)+> $name for T {}
    };
}

together! {
    /// Everything that can be read.
    AdminView: ReadAccounts ReadSessions ReadDevices ReadApiKeys ReadConfigurations ReadTokens
        ReadMappings ReadJobs ReadPeople ReadWaiting ReadLog ReadAudit ReadStreams ReadPlans
        ReadWhy ReadRuns ReadRehearsals ReadInstance ReadTables ReadAlerts ReadDeletions
}

together! {
    /// Everything that administrators change.
    AdminTransaction: AdminView WriteAccounts WriteSessions WriteDevices WriteApiKeys
        WriteConfigurations WriteTokens WriteMappings WriteCustomFields WriteJobs WritePeople
        WriteWaiting WriteLog RecordEvents LockAudit WriteStreams WriteRuns WriteRehearsals
        WriteInstance WriteTables EndConfigurations
}

together! {
    /// Everything that time and requests change.
    AdminUpkeep: KeepSessions KeepDevices KeepTokens KeepJobs KeepLog KeepPlans KeepWhy
        KeepInstance RecordEvents WriteLog ReadRuns KeepRuns RestoreRows KeepRehearsals
        ReadAlerts KeepAlerts EndConfigurations
}

/// Where configurations, tokens, accounts and keys are kept.
///
/// The calls are for stores; a caller takes those of [`AdminStoreExt`], which answer what the work
/// answers.
pub trait AdminStore: Send + Sync {
    /// Runs work on one consistent view.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn run_read(&self, work: ReadWork<'_>) -> Result<(), AdminError>;

    /// Runs work that asks one thing of the store: it needs no transaction.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn run_look_up(&self, work: ReadWork<'_>) -> Result<(), AdminError> {
        self.run_read(work)
    }

    /// Runs work in one transaction, appends what it answers to the audit's chain in the same
    /// transaction, and answers after both are committed durably. Where the work fails, nothing
    /// that it did stays.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn run_write(&self, work: WriteWork) -> Result<(), Abandoned>;

    /// Runs work in one transaction, of which the audit says nothing.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn run_upkeep(&self, work: UpkeepWork) -> Result<(), AdminError>;

    /// Whether the database can be reached and has the tables of this version.
    ///
    /// # Errors
    /// A fault of the store.
    fn ready(&self) -> Result<(), StoreError>;

    /// What it has under way; nothing where there is no database.
    fn load(&self) -> StoreLoad {
        StoreLoad::default()
    }

    /// Reads everything that the database keeps, where it can be asked whether it is whole; answers
    /// whether it can.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], or another fault of the store.
    fn check_pages(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Whether what was opened is still what stands in its place. A store that is not refuses every
    /// write, and nothing mends that but a new start.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    fn check_in_place(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What a store has under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLoad {
    /// Connections in the pool.
    pub connections: u32,
    /// Those of them that are in use.
    pub connections_used: u32,
    /// How many there are at most.
    pub connections_most: u32,
    /// Writes that wait for the one writer, where there is one.
    pub writes_waiting: u32,
    /// Whether the last write was taken.
    pub takes_writes: bool,
}

impl Default for StoreLoad {
    fn default() -> Self {
        Self {
            connections: 0,
            connections_used: 0,
            connections_most: 0,
            writes_waiting: 0,
            takes_writes: true,
        }
    }
}

/// Reads and writes that answer a value.
pub trait AdminStoreExt {
    /// Reads on one consistent view.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn read<T>(
        &self,
        work: impl FnMut(&mut dyn AdminView) -> Result<T, AdminError>,
    ) -> Result<T, AdminError>;

    /// Asks one thing of the store, without a transaction around it.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn look_up<T>(
        &self,
        work: impl FnMut(&mut dyn AdminView) -> Result<T, AdminError>,
    ) -> Result<T, AdminError>;

    /// Changes rows and the audit in one transaction. Work that finds nothing to change answers
    /// [`Written::Unchanged`], and nothing that it did stays.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn AdminTransaction) -> Result<Written<T>, AdminError> + Send + 'static,
    ) -> Result<T, AdminError>;

    /// Changes what no audit tells of.
    ///
    /// # Errors
    /// What the work answers, or a fault of the store.
    fn upkeep<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn AdminUpkeep) -> Result<T, AdminError> + Send + 'static,
    ) -> Result<T, AdminError>;
}

impl<S: AdminStore + ?Sized> AdminStoreExt for S {
    fn read<T>(
        &self,
        mut work: impl FnMut(&mut dyn AdminView) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let mut value = None;
        self.run_read(&mut |rows| {
            value = Some(work(rows)?);
            Ok(())
        })?;
        value.ok_or_else(not_run)
    }

    fn look_up<T>(
        &self,
        mut work: impl FnMut(&mut dyn AdminView) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let mut value = None;
        self.run_look_up(&mut |rows| {
            value = Some(work(rows)?);
            Ok(())
        })?;
        value.ok_or_else(not_run)
    }

    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn AdminTransaction) -> Result<Written<T>, AdminError>
        + Send
        + 'static,
    ) -> Result<T, AdminError> {
        let slot = Slot::default();
        let answer = slot.clone();
        let done = self.run_write(Box::new(move |rows| match work(rows)? {
            Written::Changed(value, trail) => {
                answer.put(value);
                Ok(trail)
            }
            Written::Unchanged(value) => {
                answer.put(value);
                Err(Abandoned::Unchanged)
            }
        }));
        match done {
            Ok(()) | Err(Abandoned::Unchanged) => slot.take(),
            Err(Abandoned::Refused(error)) => Err(error),
        }
    }

    fn upkeep<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn AdminUpkeep) -> Result<T, AdminError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let slot = Slot::default();
        let answer = slot.clone();
        self.run_upkeep(Box::new(move |rows| {
            answer.put(work(rows)?);
            Ok(())
        }))?;
        slot.take()
    }
}

/// Where work that may run on another thread, and more than once, leaves what it answers.
struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Slot<T> {
    fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    fn take(&self) -> Result<T, AdminError> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take().ok_or_else(not_run)
    }
}

/// A store that says that it ran work, and did not.
#[derive(Debug, thiserror::Error)]
#[error("the store did not run the work that it was given")]
struct NotRun;

fn not_run() -> AdminError {
    AdminError::Store(StoreError::unknown(NotRun))
}
