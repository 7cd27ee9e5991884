//! Rules over what is stored: what a draft would change, and carrying out what it changes.

use scim_mapping::{
    Event as MappingEvent, Field, FieldChange, FieldChoice, Preview, field_changes,
};
use scim_protocol::{Error, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::configuration::Configuration;
use crate::context::Context;
use crate::directory::{
    DirectoryExt, DirectoryTransaction, From, Keyset, Selected, Selection, StoredUser,
};
use crate::event::{Action, Outcome};
use crate::failure::Failure;
use crate::id::{ResourceId, ResourceKind};
pub use crate::job::Job;
use crate::model::{Model, ModelSource};
use crate::operation::user::{self, PreparedUser};
use crate::operation::{collision, group, reference};
use crate::service::ServiceProvider;

/// What rules would make of the users that a configuration has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "users": 1204, "unchanged": 1167, "changed": 37, "warnings": 2, "errors": 0 })))]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// How many users there are.
    pub users: u64,
    /// How many would stay as they are.
    pub unchanged: u64,
    /// How many would change.
    pub changed: u64,
    /// How many would have a warning.
    pub warnings: u64,
    /// How many would be refused.
    pub errors: u64,
    /// The first of those that would change, have a warning or be refused.
    pub examples: Vec<Example>,
}

/// A user whom rules would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "userName": "ava.berg@example.com",
    "messages": [],
})))]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// The id.
    pub id: String,
    /// `userName`.
    pub user_name: String,
    /// The fields that would change.
    pub changes: Vec<FieldChange>,
    /// Which rules count for the fields that would change, where conditions decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<FieldChoice>,
    /// The warnings, or why the user would be refused.
    pub messages: Vec<String>,
}

/// Users who were edited by hand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({ "users": 1204, "drifted": 4 })))]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// How many users there are.
    pub users: u64,
    /// How many of them were edited by hand.
    pub drifted: u64,
    /// The first of those.
    pub examples: Vec<DriftedUser>,
}

/// A user who was edited by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "userName": "ava.berg@example.com",
    "fields": ["job_title"],
})))]
#[serde(rename_all = "camelCase")]
pub struct DriftedUser {
    /// The id.
    pub id: String,
    /// `userName`.
    pub user_name: String,
    /// The keys of the fields that differ.
    pub fields: Vec<String>,
}

impl Drift {
    fn count(&mut self, context: &Context, user: &StoredUser) {
        self.users += 1;
        let mapping = &context.model.user_mapping;
        let fields = mapping.drift(&user.document, &user.fields());
        if fields.is_empty() {
            return;
        }
        self.drifted += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(DriftedUser {
                id: user.id.to_string(),
                user_name: user::text(&user.document, "userName").unwrap_or_default(),
                fields: fields.iter().map(Field::key).collect(),
            });
        }
    }
}

impl ServiceProvider {
    /// What rules make of a resource, rule by rule, and what would change of the user who has its
    /// `userName`.
    ///
    /// # Errors
    /// `invalidSyntax` or `invalidValue` when it is no resource; what the store fails with.
    pub fn preview(
        &self,
        configuration: &Configuration,
        source: &ModelSource,
        kind: ResourceKind,
        document: Value,
    ) -> Result<Preview, Failure> {
        let model = compile(source)?;
        let caller = Caller::silent(configuration, self.environment());
        let context = self.context_with(&caller, model);
        let mut tolerance = context.tolerance();
        let resource = Resource::read(context.definition(kind), document, &mut tolerance)?;
        let mut attributes = resource.into_map();
        if kind == ResourceKind::Group {
            return Ok(context.model.group_mapping.preview(
                &attributes,
                MappingEvent::Create,
                None,
            ));
        }
        attributes.entry("active").or_insert(Value::Bool(true));
        let current = self.current(&context, &attributes)?;
        let (event, fields) = match &current {
            Some(user) => (MappingEvent::Change, Some(user.fields())),
            None => (MappingEvent::Create, None),
        };
        Ok(context
            .model
            .user_mapping
            .preview(&attributes, event, fields.as_ref()))
    }

    /// The user in scope who has the `userName`.
    fn current(
        &self,
        context: &Context,
        attributes: &serde_json::Map<String, Value>,
    ) -> Result<Option<StoredUser>, Failure> {
        let Some(name) = attributes.get("userName").and_then(Value::as_str) else {
            return Ok(None);
        };
        let filter = scim_protocol::Filter::Comparison {
            path: scim_protocol::AttributePath::new("userName"),
            operator: scim_protocol::filter::Operator::Equal,
            value: scim_protocol::filter::Comparand::Text(name.to_owned()),
        };
        let condition = filter.bind(&context.model.users, &mut context.tolerance())?;
        let selection = Selection {
            condition: Some(condition),
            ..page(None, 1)
        };
        self.directory
            .view(|view| Ok(view.users(context.scope(), &selection)?.items.pop()))
    }

    /// What rules would make of the users that a configuration has. Nothing is written.
    ///
    /// # Errors
    /// What the store fails with.
    pub fn impact(
        &self,
        configuration: &Configuration,
        source: &ModelSource,
    ) -> Result<Impact, Failure> {
        let caller = Caller::silent(configuration, self.environment());
        let context = self.context_with(&caller, compile(source)?);
        let mut impact = Impact::default();
        let mut after = None;
        loop {
            let users = self.users(&context, after)?;
            for user in &users {
                impact.count(&context, user);
            }
            match users.last() {
                Some(last) if users.len() == BATCH => after = Some(last.id),
                _ => return Ok(impact),
            }
        }
    }

    /// The users whose fields are not what the identity provider and the rules say: somebody
    /// edited them by hand. The identity provider reads what they are, and puts them right.
    ///
    /// # Errors
    /// What the store fails with.
    pub fn drift(&self, configuration: &Configuration) -> Result<Drift, Failure> {
        let caller = Caller::silent(configuration, self.environment());
        let context = self.context(&caller)?;
        let mut drift = Drift::default();
        let mut after = None;
        loop {
            let users = self.users(&context, after)?;
            for user in &users {
                drift.count(&context, user);
            }
            match users.last() {
                Some(last) if users.len() == BATCH => after = Some(last.id),
                _ => return Ok(drift),
            }
        }
    }

    /// The keys of the fields of a user that are not what the identity provider and the rules say;
    /// none for a user whom the configuration does not manage.
    ///
    /// # Errors
    /// What the store fails with.
    pub fn drift_of(
        &self,
        configuration: &Configuration,
        id: &str,
    ) -> Result<Vec<String>, Failure> {
        let context = self.context(&Caller::silent(configuration, self.environment()))?;
        let Some(id) = ResourceId::parse(id) else {
            return Ok(Vec::new());
        };
        let user = self
            .directory
            .view(|view| Ok::<_, Failure>(view.user(context.scope(), id)?))?;
        let fields = user.map(|user| {
            let mapping = &context.model.user_mapping;
            mapping.drift(&user.document, &user.fields())
        });
        Ok(fields.unwrap_or_default().iter().map(Field::key).collect())
    }

    /// Applies the active rules to the next batch of users, and notes how far the job is, in one
    /// transaction.
    ///
    /// # Errors
    /// What the store fails with; the job then stands where it stood.
    pub fn reapply(&self, configuration: &Configuration, job: &Job) -> Result<Job, Failure> {
        let caller = Caller {
            actor: Some(job.actor.clone()),
            ..Caller::silent(configuration, self.environment())
        };
        let mut context = self.context(&caller)?;
        context.run = Some(job.id);
        let job = job.clone();
        self.directory.transact(move |transaction| {
            let mut job = job.clone();
            transaction.speak_as(&context.author())?;
            let users = transaction.users(context.scope(), &page(job.position, BATCH))?;
            step(&context, transaction, &users, &mut job)?;
            job.updated = context.now;
            transaction.save_job(&job)?;
            Ok(job)
        })
    }

    /// The next users of the configuration.
    fn users(
        &self,
        context: &Context,
        after: Option<ResourceId>,
    ) -> Result<Vec<StoredUser>, Failure> {
        let page = page(after, BATCH);
        self.directory
            .view(|view| Ok(view.users(context.scope(), &page)?.items))
    }
}

fn step(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    users: &Selected<StoredUser>,
    job: &mut Job,
) -> Result<(), Failure> {
    for user in &users.items {
        job.position = Some(user.id);
        job.done += 1;
        match apply(context, transaction, user.id) {
            Ok(true) => job.changed += 1,
            Ok(false) => {}
            Err(Failure::Store(error)) => return Err(Failure::Store(error)),
            Err(failure) => {
                job.failed += 1;
                log_failure(context, transaction, user, failure)?;
            }
        }
    }
    job.finished = users.items.len() < BATCH;
    if job.finished {
        apply_to_groups(context, transaction)?;
    }
    Ok(())
}

/// Gives every group what the rules say of it. There are few groups beside users.
fn apply_to_groups(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
) -> Result<(), Failure> {
    let scope = context.scope();
    let mut after = None;
    loop {
        let groups = transaction.groups(scope, &page(after, BATCH))?.items;
        for stored in &groups {
            let document = Resource::from_map(stored.document.clone());
            let mut write = group::prepare(context, document)?;
            reference::grants(transaction, &mut write)?;
            transaction.classify_group(scope, stored.id, &write)?;
        }
        match groups.last() {
            Some(last) if groups.len() == BATCH => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}

/// Applies the rules to a user; answers whether that changed anything.
fn apply(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
) -> Result<bool, Failure> {
    let Some(stored) = transaction.lock_user(context.scope(), id)? else {
        return Ok(false);
    };
    let document = Resource::from_map(stored.document.clone());
    let mut prepared: PreparedUser = user::prepare(context, document, Some(&stored), None)?;
    reference::resolve(context, transaction, Some(&stored), &mut prepared)?;
    // Rules say what fields hold; whether somebody works is not theirs to change unasked.
    prepared.write.status = stored.status;
    let changes = field_changes(&stored.record, &prepared.write.record);
    if changes.is_empty() {
        return Ok(false);
    }
    let sharers = transaction.sharers(context.scope(), &prepared.keys, Some(id))?;
    let mut occupants = collision::colliding(sharers);
    // Rules make no externalId; one that others have was there before.
    occupants.retain(|occupant| occupant.attribute != collision::EXTERNAL_ID);
    user::decide(context, &prepared, &occupants, false)?;
    let (scope, now) = (context.scope(), context.now);
    transaction.update_user(scope, id, stored.version, &prepared.write, now)?;
    let mut event = context.event(Action::Update, Some(ResourceKind::User));
    event.resource_id = Some(id);
    event.resource_name = user::text(&stored.document, "userName");
    event.reason = Some("The mapping was applied again.".to_owned());
    event.changes = json!(changes);
    event.deviations = user::notes(&[], &prepared.warnings);
    if !prepared.warnings.is_empty() {
        event.outcome = Outcome::Warning;
    }
    transaction.record(&event)?;
    Ok(true)
}

fn log_failure(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    user: &StoredUser,
    failure: Failure,
) -> Result<(), Failure> {
    let cause = failure.cause();
    let (error, reason) = match failure {
        Failure::Scim(error) => (error.clone(), error.detail().to_owned()),
        Failure::Refused { error, reason, .. } => (error, reason),
        failure @ (Failure::Contended | Failure::Store(_)) => return Err(failure),
    };
    let mut event = context.event(Action::Update, Some(ResourceKind::User));
    event.resource_id = Some(user.id);
    event.resource_name = user::text(&user.document, "userName");
    event.outcome = Outcome::Failure;
    event.status = error.status();
    event.scim_type = error.scim_type().map(|t| t.as_str().to_owned());
    event.cause = Some(cause);
    event.reason = Some(reason);
    Ok(transaction.record(&event)?)
}

impl Example {
    /// Which rule counts for a field that would change, where conditions decide.
    pub fn choice(&self, field: &str) -> Option<&FieldChoice> {
        self.choices.iter().find(|choice| choice.field == field)
    }
}

impl Impact {
    fn count(&mut self, context: &Context, user: &StoredUser) {
        self.users += 1;
        let mapping = &context.model.user_mapping;
        let projection = mapping.project(&user.document, MappingEvent::Change);
        let mut messages: Vec<String> = projection.warnings().map(ToString::to_string).collect();
        let mut changes = Vec::new();
        match projection.rejection() {
            Some(rejected) => {
                self.errors += 1;
                messages.insert(0, rejected.to_string());
            }
            None => {
                let mut after = projection.onto(&user.record);
                after.remove(&Field::Status);
                changes = field_changes(&user.record, &after);
                match changes.is_empty() {
                    true => self.unchanged += 1,
                    false => self.changed += 1,
                }
                self.warnings += u64::from(!messages.is_empty());
            }
        }
        let telling = !changes.is_empty() || !messages.is_empty();
        if telling && self.examples.len() < EXAMPLES {
            let mut choices = projection.choices();
            choices.retain(|choice| changes.iter().any(|change| change.field == choice.field));
            self.examples.push(Example {
                id: user.id.to_string(),
                user_name: user::text(&user.document, "userName").unwrap_or_default(),
                changes,
                choices,
                messages,
            });
        }
    }
}

fn compile(source: &ModelSource) -> Result<std::sync::Arc<Model>, Error> {
    let model = Model::compile(source).map_err(|error| Error::with_status(400, error.to_string()));
    model.map(std::sync::Arc::new)
}

fn page(after: Option<ResourceId>, count: usize) -> Selection {
    let keyset = |id| Keyset {
        key: Value::Null,
        id,
    };
    Selection {
        condition: None,
        sort: None,
        from: after.map_or(From::Offset(0), |id| From::After(keyset(id))),
        count,
    }
}

const BATCH: usize = 500;
const EXAMPLES: usize = 20;
