//! Surveys: what is counted over all users of a configuration.

use chrono::Duration;
use scim_mapping::ResourceKind;
use scim_provisioning::seen::SeenAttribute;
use scim_provisioning::{ConfigurationId, Failure, ServiceProvider};
use serde_json::{Value, json};

use super::{Actor, AdminService, VersionChoice};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::mapping::DRAFT;
use crate::store::AdminStoreExt;
use crate::survey::{Survey, SurveyKind};
use crate::table::pins_of;

impl AdminService {
    /// Asks for a survey. One over few users is carried out at once, any other in the background.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when the rules do not fit the fields.
    pub fn ask_survey(
        &self,
        actor: &Actor,
        provider: &ServiceProvider,
        configuration: ConfigurationId,
        kind: SurveyKind,
    ) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let survey = Survey {
            configuration: configuration.id,
            kind,
            asked: actor.at,
            asked_by: actor.name.clone(),
            done: None,
            result: None,
        };
        let asked = survey.clone();
        self.store
            .upkeep(move |rows| Ok(rows.ask_survey(&asked)?))?;
        let counts = self.managed_counts(configuration.id)?;
        match counts.active + counts.blocked + counts.archived <= AT_ONCE {
            true => self.carry_out(provider, &configuration, survey),
            false => Ok(()),
        }
    }

    /// The survey of a kind, if one was ever asked for. What other rules than those of now would
    /// have changed is left out of it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn survey(
        &self,
        configuration: &ProvisioningConfiguration,
        kind: SurveyKind,
    ) -> Result<Option<Survey>, AdminError> {
        let mut survey = self
            .store
            .read(|rows| Ok(rows.survey(configuration.id, kind)?))?;
        if let Some(survey) = survey.as_mut().filter(|_| kind == SurveyKind::Impact) {
            let rules = self.rules_of_impact(configuration)?.1;
            let of = |result: &Value| result.get(RULES).and_then(Value::as_str) == Some(&rules);
            survey.result = survey
                .result
                .take()
                .filter(|result| result.is_null() || of(result));
        }
        Ok(survey)
    }

    /// The draft of the user mapping, or the active version where there is no draft, and what
    /// tells the rules that are counted from others.
    fn rules_of_impact(
        &self,
        configuration: &ProvisioningConfiguration,
    ) -> Result<(VersionChoice, String), AdminError> {
        let (id, users) = (configuration.id, ResourceKind::User);
        let versions = self.versions(configuration.id, users)?;
        let choice = match versions.iter().any(|version| version.version == DRAFT) {
            true => VersionChoice::Draft,
            false => VersionChoice::Active,
        };
        let users = self.mapping(id, users, choice)?;
        let groups = self.mapping(id, ResourceKind::Group, VersionChoice::Active)?;
        let tables = match users.pins() {
            Some(pins) => pins.clone(),
            None => self.store.read(|rows| pins_of(rows, &users.rules))?,
        };
        let mut rules = format!("{} {}", users.checksum, groups.checksum);
        if !tables.is_empty() {
            rules += &format!(" {}", json!(tables));
        }
        Ok((choice, rules))
    }

    /// Carries out the survey that waits longest; answers whether one waited.
    ///
    /// # Errors
    /// [`AdminError::Store`]; [`AdminError::Invalid`] when the rules do not fit the fields.
    pub fn next_survey(&self, provider: &ServiceProvider) -> Result<bool, AdminError> {
        let now = self.now();
        let until = now + Duration::minutes(LONGEST_MINUTES);
        let claimed = self
            .store
            .upkeep(move |rows| Ok(rows.claim_survey(now, until)?))?;
        let Some(survey) = claimed else {
            return Ok(false);
        };
        let configuration = self.configuration(survey.configuration)?;
        self.carry_out(provider, &configuration, survey)?;
        Ok(true)
    }

    /// Adds to what was seen of attributes.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn note_seen(&self, seen: Vec<SeenAttribute>) -> Result<(), AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.count_attributes(&seen)?))
    }

    /// Whether work waits in the background: a job or a survey.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn work_waits(&self) -> Result<bool, AdminError> {
        self.store.read(|rows| Ok(rows.work_waits()?))
    }

    fn carry_out(
        &self,
        provider: &ServiceProvider,
        configuration: &ProvisioningConfiguration,
        survey: Survey,
    ) -> Result<(), AdminError> {
        let counted = match survey.kind {
            SurveyKind::Drift => {
                let drift = provider.drift(&configuration.to_provisioning());
                drift.map(|drift| json!(drift))
            }
            SurveyKind::Impact => {
                let (choice, rules) = self.rules_of_impact(configuration)?;
                let source = self.model(configuration.id, ResourceKind::User, choice)?;
                let impact = provider.impact(&configuration.to_provisioning(), &source);
                impact.map(|impact| {
                    let mut result = json!(impact);
                    if let Some(members) = result.as_object_mut() {
                        members.insert(RULES.to_owned(), json!(rules));
                    }
                    result
                })
            }
        };
        let result = match counted {
            Ok(result) => Some(result),
            Err(Failure::Store(error)) => return Err(error.into()),
            // Rules that do not fit: there is nothing to count until they do.
            Err(_) => Some(Value::Null),
        };
        let done = Survey {
            done: Some(self.now()),
            result,
            ..survey
        };
        self.store.upkeep(move |rows| Ok(rows.save_survey(&done)?))
    }
}

/// What in a result tells of which rules it is.
const RULES: &str = "rules";
/// Over how many users a survey is carried out at once.
const AT_ONCE: i64 = 500;
/// How long a survey may take before another server takes it up.
const LONGEST_MINUTES: i64 = 10;
