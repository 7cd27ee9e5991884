//! Jobs, surveys and what was seen of attributes in memory.

use chrono::{DateTime, Utc};
use scim_provisioning::reapply::Job;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, RunId, StoreError};

use super::rows::{Claimed, Rows};
use crate::store::{KeepJobs, ReadJobs, WriteJobs};
use crate::survey::{Survey, SurveyKind};

impl<T> Claimed<T> {
    fn free(work: T) -> Self {
        Self {
            work,
            until: DateTime::UNIX_EPOCH,
        }
    }
}

impl Rows {
    fn survey_mut(&mut self, of: &Survey) -> Option<&mut Claimed<Survey>> {
        let same =
            |known: &Survey| (known.configuration, known.kind) == (of.configuration, of.kind);
        self.surveys.iter_mut().find(|known| same(&known.work))
    }
}

impl ReadJobs for Rows {
    fn jobs(&mut self, configuration: ConfigurationId) -> Result<Vec<Job>, StoreError> {
        let jobs = self.jobs.iter().rev().map(|job| &job.work);
        let own = jobs.filter(|job| job.configuration == configuration);
        Ok(own.take(LISTED).cloned().collect())
    }

    fn survey(
        &mut self,
        configuration: ConfigurationId,
        kind: SurveyKind,
    ) -> Result<Option<Survey>, StoreError> {
        let mut surveys = self.surveys.iter().map(|survey| &survey.work);
        let found = surveys.find(|one| one.configuration == configuration && one.kind == kind);
        Ok(found.cloned())
    }

    fn work_waits(&mut self) -> Result<bool, StoreError> {
        Ok(self.jobs.iter().any(|job| !job.work.finished)
            || self.surveys.iter().any(|survey| survey.work.done.is_none())
            || self.configurations.iter().any(|one| one.deletion.is_some()))
    }
}

impl WriteJobs for Rows {
    fn insert_job(&mut self, job: &Job) -> Result<Job, StoreError> {
        self.jobs.push(Claimed::free(job.clone()));
        Ok(job.clone())
    }

    fn delete_unfinished_jobs(&mut self, configuration: ConfigurationId) -> Result<(), StoreError> {
        self.jobs
            .retain(|job| job.work.finished || job.work.configuration != configuration);
        Ok(())
    }
}

impl KeepJobs for Rows {
    fn claim_job(
        &mut self,
        id: Option<RunId>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        let free = |job: &&mut Claimed<Job>| {
            !job.work.finished && job.until <= now && id.is_none_or(|id| job.work.id == id)
        };
        let found = self.jobs.iter_mut().find(free);
        Ok(found.map(|job| {
            job.until = until;
            job.work.clone()
        }))
    }

    fn ask_survey(&mut self, survey: &Survey) -> Result<(), StoreError> {
        match self.survey_mut(survey) {
            None => self.surveys.push(Claimed::free(survey.clone())),
            Some(known) if known.work.done.is_some() => {
                let result = known.work.result.clone();
                *known = Claimed::free(Survey {
                    result,
                    ..survey.clone()
                });
            }
            Some(_waits) => {}
        }
        Ok(())
    }

    fn claim_survey(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Survey>, StoreError> {
        let free =
            |survey: &&mut Claimed<Survey>| survey.work.done.is_none() && survey.until <= now;
        let waiting = self.surveys.iter_mut().filter(free);
        let found = waiting.min_by_key(|survey| survey.work.asked);
        Ok(found.map(|survey| {
            survey.until = until;
            survey.work.clone()
        }))
    }

    fn save_survey(&mut self, survey: &Survey) -> Result<(), StoreError> {
        if let Some(known) = self.survey_mut(survey) {
            known.work.done = survey.done;
            known.work.result.clone_from(&survey.result);
        }
        Ok(())
    }

    fn count_attributes(&mut self, seen: &[SeenAttribute]) -> Result<(), StoreError> {
        for attribute in seen {
            let same = |known: &&mut SeenAttribute| {
                (known.configuration, known.kind) == (attribute.configuration, attribute.kind)
                    && known.path == attribute.path
            };
            match self.seen.iter_mut().find(same) {
                None => self.seen.push(attribute.clone()),
                Some(known) => {
                    let count = known.count + attribute.count;
                    *known = SeenAttribute {
                        count,
                        ..attribute.clone()
                    };
                }
            }
        }
        Ok(())
    }
}

/// How many jobs of a configuration are listed.
const LISTED: usize = 20;
