//! What is configured as a document: exported, planned, applied.

use chrono::Duration;
use scim_feed::Position;
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::json;

use super::deletion::Deletion;
use super::{
    Act, Actor, AdminService, deletion, entry_of, fields, insert_configuration, mappings, streams,
    tables, update_configuration,
};
use crate::configuration::{ConfigurationInput, ConfigurationStatus, ProvisioningConfiguration};
use crate::declaration::{self, Declaration, Plan, Step, StoredPlan, Work};
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::store::{AdminStoreExt, AdminTransaction, AuditTrail, Written};

/// What is to be applied.
#[derive(Debug, Clone)]
pub struct Application {
    /// The document.
    pub declared: Declaration,
    /// Whether what is in none of its lists is deleted.
    pub prune: bool,
    /// The digest of the plan that is to be carried out and nothing else; `None` for whatever the
    /// document means now.
    pub digest: Option<String>,
    /// Where a stream begins that is added.
    pub position: Position,
}

impl AdminService {
    /// What is configured, without secrets.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn export(&self) -> Result<Declaration, AdminError> {
        self.store.read(|rows| declaration::export(rows))
    }

    /// What applying a document would do. The plan is kept for a month, so that it can be carried
    /// out by its digest.
    ///
    /// # Errors
    /// [`AdminError::Declared`] and [`AdminError::Invalid`] what of it cannot be; nothing of it would
    /// be applied then.
    pub fn plan(
        &self,
        actor: &Actor,
        declared: &Declaration,
        prune: bool,
    ) -> Result<Plan, AdminError> {
        let actor = &self.act(actor);
        let work = self
            .store
            .read(|rows| declaration::compare(rows, declared, prune))?;
        let kept = StoredPlan {
            digest: work.plan.digest.clone(),
            prune,
            document: json!(declared),
            items: work.plan.items.clone(),
            made_by: actor.name.clone(),
            created: actor.at,
        };
        let before = kept.created - Duration::days(KEPT_DAYS);
        self.store
            .upkeep(move |rows| Ok(rows.keep_plan(&kept, before)?))?;
        Ok(work.plan)
    }

    /// The plan of a digest.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for one that was never made, or more than a month ago.
    pub fn stored_plan(&self, digest: &str) -> Result<StoredPlan, AdminError> {
        let found = self.store.read(|rows| Ok(rows.plan(digest)?))?;
        found.ok_or_else(|| AdminError::not_found("plan", digest))
    }

    /// Makes what is there what a document says, in one transaction: all of it or nothing. Answers
    /// what was done. An API key does what its scopes allow and nothing else. A large configuration
    /// that goes is [being deleted](AdminService::deletions) then: its tokens are refused, and whom it
    /// manages is let go behind the transaction, which would hold up everybody else for as long.
    ///
    /// # Errors
    /// As [`Self::plan`]; [`AdminError::PlanMoved`] when it is not what was planned;
    /// [`AdminError::BeyondKey`].
    pub fn apply(&self, actor: &Actor, applied: Application) -> Result<Plan, AdminError> {
        let actor = &self.act(actor);
        let actor = actor.clone();
        let (plan, begun) = self.store.write(move |rows| {
            let Work { plan, steps } = checked(rows, &actor, &applied)?;
            let mut done = Done {
                trail: Vec::new(),
                begun: Vec::new(),
                room: deletion::PIECE,
            };
            for step in &steps {
                carry_out(rows, &actor, step, applied.position, &mut done)?;
            }
            Ok(match AuditTrail::of(done.trail) {
                Some(trail) => Written::Changed((plan, done.begun), trail),
                None => Written::Unchanged((plan, done.begun)),
            })
        })?;
        if let Some(first) = begun.into_iter().find(|one| !one.gone) {
            self.delete_for_now(first);
        }
        Ok(plan)
    }
}

/// What was done of a document.
struct Done {
    trail: Vec<AuditEntry>,
    /// The configurations that go.
    begun: Vec<Deletion>,
    /// How many people and groups may be let go with it.
    room: usize,
}

/// What a document means now, if that is what was planned and what the key may do.
fn checked(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    applied: &Application,
) -> Result<Work, AdminError> {
    hold_configured(rows)?;
    let work = declaration::compare(rows, &applied.declared, applied.prune)?;
    if let Some(digest) = &applied.digest
        && *digest != work.plan.digest
    {
        let older = rows.plan(digest)?;
        let older = older.map_or_else(Vec::new, |older| older.items);
        let moved = work.plan.moved_since(&older);
        return Err(AdminError::PlanMoved { moved });
    }
    let missing = actor.key.as_ref().and_then(|key| {
        let mut needs = work.needs();
        needs.find(|scope| !key.scopes.contains(*scope))
    });
    match missing {
        Some(scope) => {
            let said = format!("this needs the scope {}", scope.as_str());
            Err(AdminError::BeyondKey(said))
        }
        None => Ok(work),
    }
}

/// Keeps what a document is about as it is until the transaction ends: whoever changes a configuration
/// waits at its row, and whoever changes anything else at the end of the audit.
pub(super) fn hold_configured(rows: &mut dyn AdminTransaction) -> Result<(), AdminError> {
    let configurations = rows.configurations()?.into_iter();
    let mut ids: Vec<_> = configurations.map(|found| found.id).collect();
    // In one order, so that two who apply do not wait for each other.
    ids.sort_by_key(ToString::to_string);
    for id in ids {
        match rows.lock_configuration(id) {
            // It was deleted meanwhile.
            Ok(()) | Err(StoreError::Stale) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(rows.lock_audit()?)
}

fn carry_out(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    step: &Step,
    position: Position,
    done: &mut Done,
) -> Result<(), AdminError> {
    let trail = &mut done.trail;
    let entry = match step {
        Step::AddField(field) => fields::insert_field(rows, actor, field)?,
        Step::EditField { before, after } => fields::update_field(rows, actor, before, after)?,
        Step::DeleteField(field) => fields::delete_field(rows, actor, &field.key)?,
        Step::PutTable(table) => tables::insert_version(rows, actor, table)?.1,
        Step::TakeUpTable(name) => {
            trail.extend(tables::take_up(rows, actor, name)?);
            return Ok(());
        }
        Step::DeleteTable(name) => tables::delete_unused(rows, actor, name)?,
        Step::AddConfiguration {
            input,
            status,
            rules,
        } => {
            let added = input
                .clone()
                .begin(ConfigurationId::of(actor.uuid()), *status, actor.at);
            insert_configuration(rows, &added, &actor.name)?;
            let details = json!({ "new": super::described(&added) });
            trail.push(entry_of(actor, "configuration.created", &added, details));
            for rules in rules {
                let put = mappings::put_rules(rows, actor, &added, rules.clone(), NOTE)?;
                trail.push(put);
            }
            return Ok(());
        }
        Step::EditConfiguration {
            before,
            input,
            status,
        } => edit(rows, actor, before, input, *status)?,
        Step::PutRules {
            configuration,
            rules,
        } => mappings::put_rules(rows, actor, configuration, rules.clone(), NOTE)?,
        Step::DeleteConfiguration(configuration) => {
            let (begun, entry) = deletion::begin(rows, actor, configuration, &mut done.room)?;
            done.begun.push(begun);
            entry
        }
        Step::AddStream(new) => streams::insert_declared(rows, actor, new, position)?,
        Step::TurnStream(turned) => streams::turn_stream(rows, actor, turned)?,
        Step::DeleteStream(stream) => streams::delete_stream(rows, actor, stream)?,
    };
    trail.push(entry);
    Ok(())
}

fn edit(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    before: &ProvisioningConfiguration,
    input: &ConfigurationInput,
    status: ConfigurationStatus,
) -> Result<AuditEntry, AdminError> {
    let after = ProvisioningConfiguration {
        status,
        last_modified: actor.at,
        ..input.over(before)
    };
    let event = match ConfigurationInput::of(before) == *input {
        true => status.event(),
        false => "configuration.edited",
    };
    Ok(update_configuration(rows, actor, event, before, &after)?.1)
}

/// For how many days a plan is kept.
const KEPT_DAYS: i64 = 30;
/// What is told of rules that a document brought.
const NOTE: &str = "Applied from a document";
