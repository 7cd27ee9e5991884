//! Rows of what is done in the background: jobs, surveys, and what was seen of attributes.

use chrono::{DateTime, Utc};
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use crate::survey::{Survey, SurveyKind};

/// Reading jobs and surveys.
pub trait ReadJobs {
    /// The last jobs of a configuration, the newest first.
    ///
    /// # Errors
    /// A fault of the store.
    fn jobs(&mut self, configuration: ConfigurationId) -> Result<Vec<Job>, StoreError>;

    /// The survey of a kind.
    ///
    /// # Errors
    /// A fault of the store.
    fn survey(
        &mut self,
        configuration: ConfigurationId,
        kind: SurveyKind,
    ) -> Result<Option<Survey>, StoreError>;

    /// Whether a job or a survey waits.
    ///
    /// # Errors
    /// A fault of the store.
    fn work_waits(&mut self) -> Result<bool, StoreError>;
}

/// Changing jobs.
pub trait WriteJobs {
    /// Inserts a job for the users of a configuration, and answers it with how many there are.
    ///
    /// # Errors
    /// A fault of the store.
    fn insert_job(&mut self, job: &Job) -> Result<Job, StoreError>;

    /// Deletes the jobs of a configuration that are not finished.
    ///
    /// # Errors
    /// A fault of the store.
    fn delete_unfinished_jobs(&mut self, configuration: ConfigurationId) -> Result<(), StoreError>;
}

/// What becomes of jobs and surveys, and what requests tell of attributes.
pub trait KeepJobs {
    /// Takes up a job that nobody works on and keeps others from it until a time: the one of this
    /// id, or the oldest.
    ///
    /// # Errors
    /// A fault of the store.
    fn claim_job(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError>;

    /// Asks for a survey, unless one of its kind waits already. What came of the last one stays
    /// until it is done.
    ///
    /// # Errors
    /// A fault of the store.
    fn ask_survey(&mut self, survey: &Survey) -> Result<(), StoreError>;

    /// Takes up the survey that waits longest and that nobody works on, and keeps others from it
    /// until a time.
    ///
    /// # Errors
    /// A fault of the store.
    fn claim_survey(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Survey>, StoreError>;

    /// Keeps what came of a survey.
    ///
    /// # Errors
    /// A fault of the store.
    fn save_survey(&mut self, survey: &Survey) -> Result<(), StoreError>;

    /// Adds to what was seen of attributes.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_attributes(&mut self, seen: &[SeenAttribute]) -> Result<(), StoreError>;
}
