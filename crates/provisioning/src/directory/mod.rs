//! The port to the ServiceOps directory.
//!
//! Every call that looks at a resource takes the [`Scope`] of the configuration that speaks; the
//! adapter applies it in one place. What the scope does not cover does not exist: accounts of
//! tenant admins, users who left, what another configuration manages, people created by hand.

mod keys;
mod transaction;
mod types;
mod unread;

use std::sync::{Arc, Mutex, PoisonError};

use scim_service::{Abort, Rollback};

pub use keys::{UserKeys, number_key, phone_key};
pub use transaction::{DirectoryTransaction, Part};
pub use types::*;
pub use unread::{Row, UnreadUser, UserRow};

use crate::event::Event;
use crate::id::{ConfigurationId, ResourceId, ResourceKind, RunId};
use crate::model::{ModelSource, ModelVersion};
use crate::run::{CycleRequests, OpenCycle, RequestCounts};

/// Work of a write transaction. It may be run again when the database asks for it, so it has no
/// effects but those through the transaction.
pub type Work = Box<dyn FnMut(&mut dyn DirectoryTransaction) -> Result<(), Rollback> + Send>;

/// The directory.
pub trait Directory: Send + Sync {
    /// The rules and fields of a configuration in these versions.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn model(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
    ) -> Result<ModelSource, StoreError>;

    /// Runs `work` on one consistent view; [`DirectoryExt::view`] answers something.
    ///
    /// # Errors
    /// What `work` answers, or why the store did not run it.
    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback>;

    /// Runs `work` in one transaction and answers after it is committed durably. An error of
    /// `work` rolls everything back. [`DirectoryExt::transact`] answers something.
    ///
    /// # Errors
    /// What `work` answers, or why the store did not run it or keep it.
    fn write(&self, work: Work) -> Result<(), Rollback>;

    /// Runs `work` that consists of parts ([`DirectoryTransaction::part`]), as [`write`](Self::write)
    /// does. A directory that writes for one after another lets others go first.
    ///
    /// # Errors
    /// What `work` answers, or why the store did not run it or keep it.
    fn write_in_parts(&self, work: Work) -> Result<(), Rollback> {
        self.write(work)
    }

    /// Writes a log entry in a transaction of its own: that of a failed attempt, with the links
    /// that an administrator may approve.
    ///
    /// # Errors
    /// [`StoreError`] when the entry could not be written.
    fn log(&self, event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError>;

    /// Adds requests to the cycle of a configuration that is under way, or to one that begins with
    /// them; of several servers all find the same one. `None` of a directory that keeps no runs.
    ///
    /// # Errors
    /// [`StoreError`] when they could not be written.
    fn note_cycle(&self, _requests: &CycleRequests) -> Result<Option<OpenCycle>, StoreError> {
        Ok(None)
    }

    /// Adds requests to a run that is no cycle, such as a rehearsal.
    ///
    /// # Errors
    /// [`StoreError`] when they could not be written.
    fn note_requests(&self, _run: RunId, _counted: RequestCounts) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Work that answers something, through a port that knows no answers.
pub trait DirectoryExt: Directory {
    /// Runs `work` on one consistent view.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn view<T, E: Abort>(
        &self,
        mut work: impl FnMut(&mut dyn DirectoryView) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut slot = None;
        let ran = self.read(&mut |view| E::carry(work(view), &mut slot));
        E::conclude(ran, slot)
    }

    /// Runs `work` in one transaction and answers after it is committed durably.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn transact<T, E>(
        &self,
        work: impl FnMut(&mut dyn DirectoryTransaction) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Abort + Send + 'static,
    {
        transact(work, |work| self.write(work))
    }

    /// The same for work that consists of parts.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn transact_in_parts<T, E>(
        &self,
        work: impl FnMut(&mut dyn DirectoryTransaction) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Abort + Send + 'static,
    {
        transact(work, |work| self.write_in_parts(work))
    }
}

fn transact<T, E>(
    mut work: impl FnMut(&mut dyn DirectoryTransaction) -> Result<T, E> + Send + 'static,
    write: impl FnOnce(Work) -> Result<(), Rollback>,
) -> Result<T, E>
where
    T: Send + 'static,
    E: Abort + Send + 'static,
{
    let slot = Arc::new(Mutex::new(None));
    let outcome = Arc::clone(&slot);
    let ran = write(Box::new(move |transaction| {
        // It runs again when the database asks for it; the last run is the one that counts.
        let done = work(transaction);
        E::carry(
            done,
            &mut outcome.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }));
    let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    E::conclude(ran, outcome)
}

impl<D: Directory + ?Sized> DirectoryExt for D {}

/// Reading the directory.
pub trait DirectoryView {
    /// A user in scope.
    ///
    /// # Errors
    /// A fault of the store ([`StoreError::is_fault`]); so for every call that names no other.
    fn user(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredUser>, StoreError>;

    /// A user in scope who is to be shown, with no more of it read than the store wants to.
    ///
    /// # Errors
    /// A fault of the store.
    fn user_row(&mut self, scope: Scope, id: ResourceId) -> Result<Option<UserRow>, StoreError> {
        let user = self.user(scope, id)?;
        Ok(user.map(|user| UserRow::Read(Box::new(user))))
    }

    /// A person whom nobody manages; no tenant admin.
    ///
    /// # Errors
    /// A fault of the store.
    fn by_hand(&mut self, id: ResourceId) -> Result<Option<StoredUser>, StoreError>;

    /// A group in scope.
    ///
    /// # Errors
    /// A fault of the store.
    fn group(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredGroup>, StoreError>;

    /// A page of the users in scope.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the budget of a query of the client's own making.
    fn users(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredUser>, StoreError>;

    /// A page of the groups in scope.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the budget of a query of the client's own making.
    fn groups(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredGroup>, StoreError>;

    /// A page of resources in scope before they are read, so that no more of them are read at once
    /// than there is room for. `beside` says that the groups of users or the members of groups are
    /// answered with them.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`] beyond the statement budget.
    fn places(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
        beside: bool,
    ) -> Result<Selected<Place>, StoreError>;

    /// The resources in scope of these ids, in any order, to be shown.
    ///
    /// # Errors
    /// A fault of the store.
    fn among(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Row>, StoreError>;

    /// The groups in scope that have any of these as a direct member, in order of name.
    ///
    /// # Errors
    /// A fault of the store.
    fn groups_of(
        &mut self,
        scope: Scope,
        members: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// The members in scope of these groups, in order of id.
    ///
    /// # Errors
    /// A fault of the store.
    fn members_of(
        &mut self,
        scope: Scope,
        groups: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError>;

    /// Members in scope of a group, in order of id, from behind one of them or from the first: of
    /// the next `count` members those that can be seen. One statement that an index serves,
    /// however many members there are.
    ///
    /// # Errors
    /// A fault of the store.
    fn members_behind(
        &mut self,
        scope: Scope,
        group: ResourceId,
        after: Option<ResourceId>,
        count: usize,
    ) -> Result<MemberChunk, StoreError>;

    /// How many members in scope a group has, counted no further than `limit`.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        limit: usize,
    ) -> Result<usize, StoreError>;

    /// Which of these exist in scope, as users or groups.
    ///
    /// # Errors
    /// A fault of the store.
    fn visible(&mut self, scope: Scope, ids: &[ResourceId]) -> Result<Vec<Visible>, StoreError>;

    /// The first of these ids that is a protected account, which no scope shows: for the log,
    /// never for an answer.
    ///
    /// # Errors
    /// A fault of the store.
    fn protected(&mut self, ids: &[ResourceId]) -> Result<Option<ResourceId>, StoreError>;

    /// A group that confers an administrative right, which no scope shows, and that has one of
    /// these names without regard to case.
    ///
    /// # Errors
    /// A fault of the store.
    fn protected_group(&mut self, names: &[&str]) -> Result<Option<ResourceId>, StoreError>;
}
