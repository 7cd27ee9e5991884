//! Rehearsing: an identity provider is answered as if live, from a copy of the directory.

use std::sync::Arc;

use scim_service::{Rollback, StoreError};

use crate::directory::{Directory, DirectoryView, PendingLink, Work};
use crate::event::Event;
use crate::id::{ConfigurationId, RunId};
use crate::model::{ModelSource, ModelVersion};
use crate::run::RequestCounts;
use crate::service::ServiceProvider;

impl ServiceProvider {
    /// The same over a copy of the directory, by the rules that are in force: what it does is all
    /// part of one run there, and nobody else sees it.
    #[must_use]
    pub fn rehearsing(&self, copy: Arc<dyn Directory>, run: RunId) -> Self {
        let directory = Rehearsed {
            copy,
            rules: Arc::clone(&self.directory),
        };
        let shared = &self.shared;
        let (base_url, limits) = (shared.base_url.clone(), shared.limits.clone());
        let cursors = Arc::clone(&self.cursors);
        let made = Self::new(Arc::new(directory), cursors, base_url, limits);
        let mut made = made.with_environment(Arc::clone(&shared.environment));
        made.rehearsal = Some(run);
        made
    }
}

/// A copy of the directory under the rules that are in force: who changes rules sees what they make
/// of the next request.
struct Rehearsed {
    copy: Arc<dyn Directory>,
    rules: Arc<dyn Directory>,
}

impl Directory for Rehearsed {
    fn model(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
    ) -> Result<ModelSource, StoreError> {
        self.rules.model(configuration, version)
    }

    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback> {
        self.copy.read(work)
    }

    fn write(&self, work: Work) -> Result<(), Rollback> {
        self.copy.write(work)
    }

    fn write_in_parts(&self, work: Work) -> Result<(), Rollback> {
        self.copy.write_in_parts(work)
    }

    fn log(&self, event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError> {
        self.copy.log(event, pending)
    }

    fn note_requests(&self, run: RunId, counted: RequestCounts) -> Result<(), StoreError> {
        self.copy.note_requests(run, counted)
    }
}
