//! Mappings: their versions and drafts.

use chrono::Duration;
use scim_mapping::{
    Catalog, LookupTables, MappingSet, ResourceKind, Roles, RuleDifference, TestOutcome,
};
use scim_protocol::text::storable;
use scim_protocol::{AttributePath, ResourceDefinition};
use scim_provisioning::model::{self, Model, ModelSource};
use scim_provisioning::reapply::Job;
use scim_provisioning::{ConfigurationId, RunId, RunKind};
use serde_json::{Value, json};

use super::runs::run_over;
use super::{Act, Actor, AdminService, drafted, entry_of};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::invalid::{InputField, Problem};
use crate::mapping::{DRAFT, DraftSeen, MappingVersion, ReceivedAttribute, check_tests};
use crate::run::{Run, RunState};
use crate::store::{AdminStoreExt, AdminTransaction, Written};
use crate::table::{TablePins, pins_of, tables_of};

/// Which version of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionChoice {
    /// The one in use.
    Active,
    /// The draft.
    Draft,
    /// The one of this number.
    Number(i64),
}

impl AdminService {
    /// The versions of a mapping, the newest first and the draft last.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn mappings(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<(ProvisioningConfiguration, Vec<MappingVersion>), AdminError> {
        let configuration = self.configuration(configuration)?;
        let versions = self.versions(configuration.id, resource)?;
        Ok((configuration, versions))
    }

    /// The versions of a mapping of a configuration.
    pub(super) fn versions(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<MappingVersion>, AdminError> {
        self.store
            .read(|rows| Ok(rows.mapping_versions(configuration, resource)?))
    }

    /// One version of a mapping.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn mapping(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
        choice: VersionChoice,
    ) -> Result<MappingVersion, AdminError> {
        let (configuration, versions) = self.mappings(configuration, resource)?;
        let number = match choice {
            VersionChoice::Active => active(&configuration, resource),
            VersionChoice::Draft => DRAFT,
            VersionChoice::Number(number) => number,
        };
        let found = versions
            .into_iter()
            .find(|version| version.version == number);
        found.ok_or_else(|| match number {
            DRAFT => AdminError::not_found("draft of", &configuration.name),
            number => AdminError::not_found("mapping version", &number.to_string()),
        })
    }

    /// Checks rules and keeps them as the draft; answers it with what is worth a second look.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] which rule does not fit, [`AdminError::NotFound`];
    /// [`AdminError::Stale`] when another draft is there than was seen.
    pub fn draft_mapping(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        rules: &Value,
        note: &str,
        seen: &DraftSeen,
    ) -> Result<(MappingVersion, Vec<String>), AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let rules = MappingSet::from_json(rules)?;
        if note.chars().count() > NOTE || !storable(note) {
            return Err(Problem::Note { most: NOTE }.at(InputField::Note));
        }
        let catalog = self.catalog()?.with_tables(self.tables_of(&rules, None)?);
        let definition = definition(rules.resource, &catalog);
        rules.compile(&definition, &catalog)?;
        rules.check_roles(&self.roles()?)?;
        let warnings = rules.warnings(&definition);
        let draft =
            MappingVersion::new(configuration.id, DRAFT, rules, note, &actor.name, actor.at);
        let (seen, actor) = (seen.clone(), actor.clone());
        self.store.write(move |rows| {
            let versions = take_draft(rows, &draft, &seen)?;
            rows.insert_mapping_version(&draft)?;
            let in_use = active(&configuration, draft.rules.resource);
            let details = drafted::details(&versions, in_use, &draft);
            let audit = entry_of(&actor, "mapping.drafted", &configuration, details);
            Ok(Written::changed((draft.clone(), warnings.clone()), audit))
        })
    }

    /// Makes the draft the active version, under the next number.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] without a draft, [`AdminError::Invalid`] when it does not fit the
    /// fields any more or one of its tests fails; [`AdminError::Stale`] when it is another one than was seen, or when another
    /// version was activated meanwhile.
    pub fn activate_mapping(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        resource: ResourceKind,
        seen: &DraftSeen,
    ) -> Result<MappingVersion, AdminError> {
        let actor = &self.act(actor);
        let (configuration, versions) = self.mappings(configuration, resource)?;
        super::deletion::check_stays(&configuration)?;
        let draft = versions.iter().find(|version| version.version == DRAFT);
        let draft = draft
            .cloned()
            .ok_or_else(|| AdminError::not_found("draft of", &configuration.name))?;
        if !seen.is_still(Some(&draft.checksum)) {
            return Err(AdminError::Stale);
        }
        self.check_rules(&draft)?;
        let newest = versions.iter().map(|version| version.version).max();
        let version = MappingVersion {
            version: newest.unwrap_or(DRAFT) + 1,
            created_by: actor.name.clone(),
            created: actor.at,
            ..draft
        };
        let draft = DraftSeen::Checksum(version.checksum.clone());
        self.switch(actor, &configuration, version, Some(&draft))
    }

    /// Makes an older version the active one again.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] when it does not fit the fields any more,
    /// [`AdminError::Stale`].
    pub fn roll_back_mapping(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        resource: ResourceKind,
        number: i64,
    ) -> Result<MappingVersion, AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        if number == DRAFT {
            return Err(AdminError::not_found("mapping version", "0"));
        }
        let version = self.mapping(configuration.id, resource, VersionChoice::Number(number))?;
        self.check_rules(&version)?;
        self.switch(actor, &configuration, version, None)
    }

    /// The tables that rules name, in these versions or the newest.
    pub(super) fn tables_of(
        &self,
        rules: &MappingSet,
        pins: Option<&TablePins>,
    ) -> Result<LookupTables, AdminError> {
        if rules.tables().is_empty() {
            return Ok(LookupTables::default());
        }
        self.store.read(|rows| Ok(tables_of(rows, rules, pins)?))
    }

    /// Checks rules against the fields, tables and roles that there are now, and by their own tests.
    fn check_rules(&self, version: &MappingVersion) -> Result<(), AdminError> {
        let rules = &version.rules;
        let tables = self.tables_of(rules, version.pins())?;
        let catalog = self.catalog()?.with_tables(tables.clone());
        let definition = definition(rules.resource, &catalog);
        // One to go back to was in force, whatever newer checks say of its constants.
        match version.version {
            DRAFT => rules.compile(&definition, &catalog)?,
            _ => rules.compile_in_force(&definition, &catalog)?,
        };
        rules.check_roles(&self.roles()?)?;
        if rules.tests.is_empty() {
            return Ok(());
        }
        let resource = rules.resource;
        let source = self.model(version.configuration, resource, VersionChoice::Active)?;
        let source = source.with_rules(rules.clone(), tables);
        Ok(check_tests(&source, resource)?)
    }

    /// Runs the tests of a version of a mapping.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] when it does not fit the fields any more.
    pub fn test_mapping(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
        choice: VersionChoice,
    ) -> Result<Vec<TestOutcome>, AdminError> {
        let source = self.model(configuration, resource, choice)?;
        Ok(Model::compile(&source)?.run_tests(&source, resource))
    }

    /// The roles of ServiceOps.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn roles(&self) -> Result<Roles, AdminError> {
        let roles = self.store.read(|rows| Ok(rows.roles()?))?;
        Ok(roles.into_iter().collect())
    }

    fn switch(
        &self,
        actor: &Act,
        configuration: &ProvisioningConfiguration,
        version: MappingVersion,
        draft: Option<&DraftSeen>,
    ) -> Result<MappingVersion, AdminError> {
        let expected = active(configuration, version.rules.resource);
        let audit = activated(actor, configuration, expected, &version);
        let draft = draft.cloned();
        self.store.write(move |rows| {
            let (configuration, resource) = (version.configuration, version.rules.resource);
            rows.set_active_mapping(configuration, resource, expected, version.version)?;
            let mut version = version.clone();
            if let Some(seen) = &draft {
                take_draft(rows, &version, seen)?;
                version.tables = pins_of(rows, &version.rules)?;
                rows.insert_mapping_version(&version)?;
            }
            // A table can have been deleted since the rules were checked.
            for (name, number) in &version.tables {
                let found = rows.lookup_table(name, Some(*number))?;
                found.ok_or(AdminError::Stale)?;
            }
            Ok(Written::changed(version.clone(), audit.clone()))
        })
    }

    /// What an older and a newer version differ in.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn mapping_differences(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
        older: VersionChoice,
        newer: VersionChoice,
    ) -> Result<Vec<RuleDifference>, AdminError> {
        let older = self.mapping(configuration, resource, older)?;
        let newer = self.mapping(configuration, resource, newer)?;
        Ok(older.rules.differences(&newer.rules))
    }

    /// The rules and fields of a configuration, with a version of one of its mappings.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn model(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
        choice: VersionChoice,
    ) -> Result<ModelSource, AdminError> {
        let of = |kind| {
            let choice = if kind == resource {
                choice
            } else {
                VersionChoice::Active
            };
            let version = self.mapping(configuration, kind, choice)?;
            let tables = self.tables_of(&version.rules, version.pins())?;
            Ok::<_, AdminError>((version.rules, tables))
        };
        let ((users, user_tables), (groups, group_tables)) =
            (of(ResourceKind::User)?, of(ResourceKind::Group)?);
        Ok(ModelSource {
            users,
            user_tables,
            groups,
            group_tables,
            custom_fields: self.custom_fields()?,
        })
    }

    /// The rules and fields of a configuration, with these rules in the place of those for their kind
    /// of resource.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn model_with(
        &self,
        configuration: ConfigurationId,
        rules: &MappingSet,
    ) -> Result<ModelSource, AdminError> {
        let tables = self.tables_of(rules, None)?;
        let source = self.model(configuration, rules.resource, VersionChoice::Active)?;
        Ok(source.with_rules(rules.clone(), tables))
    }

    /// Begins to apply the active rules to the users that are there, in the place of what was begun
    /// before.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn begin_reapply(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
    ) -> Result<Job, AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let audit = entry_of(
            actor,
            "mapping.reapplied",
            &configuration,
            json!({ "version": configuration.model.user }),
        );
        let now = actor.at;
        let run = Run {
            ended: None,
            state: RunState::Running,
            ..run_over(RunKind::Reapply, actor, &configuration, now)
        };
        let job = Job {
            id: run.id,
            configuration: configuration.id,
            position: None,
            total: 0,
            done: 0,
            changed: 0,
            failed: 0,
            finished: false,
            actor: actor.name.clone(),
            created: now,
            updated: now,
        };
        self.store.write(move |rows| {
            // One at a time: it takes the place of what is not finished.
            for before in rows.jobs(job.configuration)? {
                if !before.finished {
                    rows.end_run(before.id, now)?;
                }
            }
            rows.delete_unfinished_jobs(job.configuration)?;
            rows.insert_run(&run)?;
            let job = rows.insert_job(&job)?;
            Ok(Written::changed(job, audit.clone()))
        })
    }

    /// The jobs of a configuration, the newest first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn jobs(&self, configuration: ConfigurationId) -> Result<Vec<Job>, AdminError> {
        let configuration = self.configuration(configuration)?;
        self.store.read(|rows| Ok(rows.jobs(configuration.id)?))
    }

    /// Takes up the next step of a job that nobody works on: of the one of this id, or the oldest.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn claim_job(&self, id: Option<RunId>) -> Result<Option<Job>, AdminError> {
        let now = self.now();
        let until = now + Duration::seconds(STEP_SECONDS);
        self.store
            .upkeep(move |rows| Ok(rows.claim_job(id, now, until)?))
    }

    /// The attributes that an identity provider sent, those sent most often first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn received_attributes(
        &self,
        configuration: ConfigurationId,
        resource: ResourceKind,
    ) -> Result<Vec<ReceivedAttribute>, AdminError> {
        let configuration = self.configuration(configuration)?;
        let source = self.model(configuration.id, resource, VersionChoice::Active)?;
        let model = Model::compile(&source)?;
        let mapping = match resource {
            ResourceKind::User => &model.user_mapping,
            ResourceKind::Group => &model.group_mapping,
        };
        let mut received = self
            .store
            .read(|rows| Ok(rows.received_attributes(configuration.id, resource)?))?;
        for attribute in &mut received {
            let bare = attribute.path.split('[').next().unwrap_or_default();
            let path: Option<AttributePath> = bare.parse().ok();
            attribute.mapped = path.is_some_and(|path| mapping.reads(&path));
        }
        Ok(received)
    }
}

/// Takes the draft of a mapping away, if it is the one that was seen, and answers the versions that
/// there were. Of two who draft at once, the
/// second one sees what the first one wrote.
fn take_draft(
    rows: &mut dyn AdminTransaction,
    of: &MappingVersion,
    seen: &DraftSeen,
) -> Result<Vec<MappingVersion>, AdminError> {
    let (configuration, resource) = (of.configuration, of.rules.resource);
    rows.lock_configuration(configuration)?;
    let versions = rows.mapping_versions(configuration, resource)?;
    let draft = versions.iter().find(|version| version.version == DRAFT);
    if !seen.is_still(draft.map(|draft| &*draft.checksum)) {
        return Err(AdminError::Stale);
    }
    rows.delete_draft(configuration, resource)?;
    Ok(versions)
}

/// Makes rules the active version, under the next number. A draft that is there stays.
pub(super) fn put_rules(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    configuration: &ProvisioningConfiguration,
    rules: MappingSet,
    note: &str,
) -> Result<AuditEntry, AdminError> {
    let (id, resource) = (configuration.id, rules.resource);
    rows.lock_configuration(id)?;
    let versions = rows.mapping_versions(id, resource)?;
    let newest = versions.iter().map(|version| version.version).max();
    let number = newest.unwrap_or(DRAFT) + 1;
    let tables = pins_of(rows, &rules)?;
    let version = MappingVersion {
        tables,
        ..MappingVersion::new(id, number, rules, note, &actor.name, actor.at)
    };
    let expected = active(configuration, resource);
    rows.insert_mapping_version(&version)?;
    rows.set_active_mapping(id, resource, expected, number)?;
    Ok(activated(actor, configuration, expected, &version))
}

/// What the audit tells of a version that takes the place of another one.
fn activated(
    actor: &Act,
    configuration: &ProvisioningConfiguration,
    old: i64,
    version: &MappingVersion,
) -> AuditEntry {
    let details = json!({
        "resource": version.rules.resource,
        "old": old,
        "new": version.version,
        "checksum": version.checksum,
    });
    entry_of(actor, "mapping.activated", configuration, details)
}

pub(super) fn active(configuration: &ProvisioningConfiguration, resource: ResourceKind) -> i64 {
    match resource {
        ResourceKind::User => configuration.model.user,
        ResourceKind::Group => configuration.model.group,
    }
}

pub(super) fn definition(resource: ResourceKind, catalog: &Catalog) -> ResourceDefinition {
    match resource {
        ResourceKind::User => model::users(catalog),
        ResourceKind::Group => ResourceDefinition::group(),
    }
}

const NOTE: usize = 500;
/// How long a step of a job may take before another server takes it up.
const STEP_SECONDS: i64 = 120;
