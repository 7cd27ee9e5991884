//! What is done in the background.

use chrono::{DateTime, Utc};
use scim_admin::store::{KeepJobs, ReadJobs, WriteJobs};
use scim_admin::survey::{Survey, SurveyKind};
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::{AdminRows, seen, surveys};
use crate::jobs;

impl ReadJobs for AdminRows<'_> {
    fn jobs(&mut self, configuration: ConfigurationId) -> Result<Vec<Job>, StoreError> {
        jobs::list(self.connection, configuration)
    }

    fn survey(
        &mut self,
        configuration: ConfigurationId,
        kind: SurveyKind,
    ) -> Result<Option<Survey>, StoreError> {
        surveys::find(self.connection, configuration, kind)
    }

    fn work_waits(&mut self) -> Result<bool, StoreError> {
        surveys::work_waits(self.connection)
    }
}

impl WriteJobs for AdminRows<'_> {
    fn insert_job(&mut self, job: &Job) -> Result<Job, StoreError> {
        jobs::insert(self.connection, job)
    }

    fn delete_unfinished_jobs(&mut self, configuration: ConfigurationId) -> Result<(), StoreError> {
        jobs::delete_unfinished(self.connection, configuration)
    }
}

impl KeepJobs for AdminRows<'_> {
    fn claim_job(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        jobs::claim(self.connection, id, now, until)
    }

    fn ask_survey(&mut self, survey: &Survey) -> Result<(), StoreError> {
        surveys::ask(self.connection, survey)
    }

    fn claim_survey(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Survey>, StoreError> {
        surveys::claim(self.connection, now, until)
    }

    fn save_survey(&mut self, survey: &Survey) -> Result<(), StoreError> {
        surveys::save(self.connection, survey)
    }

    fn count_attributes(&mut self, seen: &[SeenAttribute]) -> Result<(), StoreError> {
        seen::note(self.connection, seen)
    }
}
