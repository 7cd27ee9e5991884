//! Taking a run back, step by step: first people and groups, then what hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::directory::Author;
use scim_provisioning::event::{Action, Event, Outcome};
use scim_provisioning::{Cause, ConfigurationId, ResourceId, ResourceKind, StoreError};
use serde_json::{Value, json};

use super::together::Scope;
use crate::run::{
    RowChange, RowSubject, Run, RunState, Taking, Touched, UndoPhase, Undoing, Undone, Way,
    action_of, by_resource,
};
use crate::store::{AdminUpkeep, RestoreRows};

/// A step of taking a run back.
struct Step {
    run: Run,
    configurations: BTreeSet<ConfigurationId>,
    now: DateTime<Utc>,
    /// Whether somebody was archived, which no guard is to count.
    archived: bool,
}

/// Does the next step of a run that takes another one back, and answers how far it is.
///
/// # Errors
/// A fault of the store.
pub(super) fn take_step(
    rows: &mut dyn AdminUpkeep,
    run: Run,
    configurations: BTreeSet<ConfigurationId>,
    now: DateTime<Utc>,
) -> Result<Run, StoreError> {
    let mut step = Step {
        run,
        configurations,
        now,
        archived: false,
    };
    step.take(rows)?;
    Ok(step.run)
}

impl Step {
    fn take(&mut self, rows: &mut dyn AdminUpkeep) -> Result<(), StoreError> {
        let Some(mut undoing) = self.run.undoes.clone() else {
            return Ok(());
        };
        rows.speak_as(&Author {
            actor: self.run.actor.clone(),
            run: Some(self.run.id),
            request: None,
        })?;
        match undoing.phase {
            UndoPhase::Resources => self.undo_resources(rows, &mut undoing)?,
            UndoPhase::Attached => self.undo_attached(rows, &mut undoing)?,
        }
        if self.archived
            && let Some((configuration, _)) = &self.run.configuration
        {
            let from = self.now + Duration::milliseconds(1);
            rows.let_guard_count_from(*configuration, from)?;
        }
        self.run.undoes = Some(undoing);
        rows.save_run(&self.run)
    }

    fn undo_resources(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        undoing: &mut Undoing,
    ) -> Result<(), StoreError> {
        let (of, chosen) = (undoing.run, &undoing.chosen);
        let touched = rows.touched_before(of, chosen, undoing.position, RESOURCES)?;
        let ids: Vec<String> = touched.iter().map(|one| one.id.clone()).collect();
        let mut images = by_resource(rows.images_of(of, chosen, &ids)?);
        for one in &touched {
            let images = images.remove(&one.id).unwrap_or_default();
            let change = RowChange::of(images.iter().filter(|one| one.subject.is_resource()));
            if let Some(change) = change {
                self.undo_resource(rows, undoing, one, &change)?;
            }
        }
        match touched.last() {
            Some(last) if touched.len() >= usize::try_from(RESOURCES).unwrap_or(usize::MAX) => {
                undoing.position = last.first;
            }
            _ => {
                undoing.phase = UndoPhase::Attached;
                undoing.position = i64::MAX;
            }
        }
        Ok(())
    }

    fn undo_resource(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        undoing: &Undoing,
        touched: &Touched,
        change: &RowChange,
    ) -> Result<(), StoreError> {
        let (kind, id) = (touched.kind, touched.id.as_str());
        let current = rows.lock_row(kind, id)?;
        let (configurations, chosen) = (&self.configurations, &undoing.chosen);
        let undone = Undone::of(
            kind,
            change,
            current.as_ref(),
            configurations,
            chosen.overwrite,
        );
        let one = Taking {
            kind,
            id: touched.id.clone(),
            current,
            undone,
        };
        if one.undone.way == Way::Nothing {
            return match one.current.as_ref().is_some_and(|row| row.protected) {
                true => self.note_protected(rows, &one),
                false => Ok(()),
            };
        }
        let scope = Scope {
            run: undoing.run,
            chosen,
            configurations,
        };
        let together = scope.together(rows, one.clone(), RestoreRows::lock_row);
        let Some(together) = together? else {
            return self.note_taken(rows, &one);
        };
        let at = self.now;
        match rows.restore_part(&mut |rows| restore(rows, &together, at)) {
            // Somebody got one of the names meanwhile.
            Err(StoreError::Conflict { .. }) => return self.note_taken(rows, &one),
            restored => restored?,
        }
        for one in &together {
            self.note_restored(rows, one)?;
        }
        Ok(())
    }

    fn note_restored(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        one: &Taking,
    ) -> Result<(), StoreError> {
        let now = one.current.as_ref().map(|row| &row.values);
        let (action, changes) = match (&one.undone.way, now) {
            (Way::Nothing, _) => return Ok(()),
            (Way::Write(values), Some(now)) => {
                let mut after = now.clone();
                after.extend(values.clone());
                (action_of(Some(now), Some(&after)), changes_of(now, values))
            }
            (Way::Write(_) | Way::Insert(_), _) => (Action::Create, json!([])),
            (Way::Remove, _) => (Action::Archive, json!([])),
        };
        self.archived |= matches!(action, Action::Archive | Action::Block);
        let mut event = self.event(action, one.kind, &one.id, one.name());
        event.changes = changes;
        rows.record_event(&event)
    }

    fn note_protected(&self, rows: &mut dyn AdminUpkeep, one: &Taking) -> Result<(), StoreError> {
        let mut event = self.event(Action::Update, one.kind, &one.id, one.name());
        event.outcome = Outcome::Skipped;
        event.cause = Some(Cause::ResourceProtected);
        event.reason = Some("Nothing was done: the account is protected.".to_owned());
        rows.record_event(&event)
    }

    /// Notes that somebody else has a name by now.
    fn note_taken(&self, rows: &mut dyn AdminUpkeep, one: &Taking) -> Result<(), StoreError> {
        let mut event = self.event(Action::Update, one.kind, &one.id, one.name());
        event.outcome = Outcome::Failure;
        event.status = 409;
        event.cause = Some(Cause::UniquenessOwn);
        event.reason = Some("Nothing was done: another one has the name by now.".to_owned());
        rows.record_event(&event)
    }

    fn undo_attached(
        &mut self,
        rows: &mut dyn AdminUpkeep,
        undoing: &mut Undoing,
    ) -> Result<(), StoreError> {
        let (of, chosen) = (undoing.run, &undoing.chosen);
        let images = rows.attached_images(of, chosen, undoing.position, ATTACHED)?;
        let mut members: BTreeMap<String, [Vec<String>; 2]> = BTreeMap::new();
        for image in &images {
            let changed = match (&image.old, &image.new) {
                (None, Some(new)) => rows.take_attached(image.subject, new)?,
                (Some(old), _) => rows.put_attached(image.subject, old)?,
                (None, None) => false,
            };
            if changed && image.subject == RowSubject::Membership {
                let [put, taken] = members.entry(image.resource.clone()).or_default();
                let side = if image.old.is_some() { put } else { taken };
                side.extend(image.other.clone());
            }
        }
        for (group, [put, taken]) in members {
            let Some(name) = rows.count_group_up(&group, self.now)? else {
                continue;
            };
            let kind = ResourceKind::Group;
            let mut event = self.event(Action::ChangeMembers, kind, &group, Some(name));
            let some = |ids: &[String]| ids.iter().take(NAMED).cloned().collect::<Vec<_>>();
            event.changes = json!([{ "path": "members", "added": put.len(), "removed": taken.len(),
                "new": some(&put), "old": some(&taken) }]);
            rows.record_event(&event)?;
        }
        match images.last() {
            Some(last) if images.len() >= usize::try_from(ATTACHED).unwrap_or(usize::MAX) => {
                undoing.position = last.id;
            }
            _ => {
                self.run.state = RunState::Done;
                self.run.ended = Some(self.now);
            }
        }
        Ok(())
    }

    fn event(&self, action: Action, kind: ResourceKind, id: &str, name: Option<String>) -> Event {
        let configuration = self.run.configuration.clone();
        let (configuration, configuration_name) =
            configuration.unwrap_or((ConfigurationId::NONE, String::new()));
        let actor = self.run.actor.strip_prefix("administrator:");
        Event {
            at: self.now,
            configuration,
            configuration_name,
            request_id: self.run.id.to_string(),
            action,
            kind: Some(kind),
            resource_id: ResourceId::parse(id),
            resource_name: name,
            mapping_version: None,
            outcome: Outcome::Success,
            status: 200,
            scim_type: None,
            cause: None,
            reason: Some("A run was taken back.".to_owned()),
            detail: None,
            changes: json!([]),
            deviations: json!([]),
            duration_micros: 0,
            source: None,
            user_agent: None,
            request: None,
            actor: Some(actor.unwrap_or(&self.run.actor).to_owned()),
            occurrences: 1,
            run: Some(self.run.id),
        }
    }
}

/// Writes resources as they were. Those who give names to one another have none meanwhile.
fn restore(
    rows: &mut dyn RestoreRows,
    together: &[Taking],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let removed = |one: &&Taking| one.undone.way == Way::Remove;
    for one in together.iter().filter(removed) {
        rows.remove_row(one.kind, &one.id, at)?;
    }
    let written: Vec<&Taking> = together.iter().filter(|one| !removed(one)).collect();
    if written.len() > 1 {
        for one in written.iter().filter(|one| one.current.is_some()) {
            rows.vacate_names(one.kind, &one.id)?;
        }
    }
    for one in written {
        match (&one.undone.way, &one.current) {
            (Way::Write(values), Some(row)) => {
                rows.write_row(one.kind, &one.id, row.version, values, at)?;
            }
            (Way::Insert(values), _) => rows.insert_row(&one.id, values, at)?,
            _ => {}
        }
    }
    Ok(())
}

/// What the log says of values that are written.
fn changes_of(
    now: &serde_json::Map<String, Value>,
    values: &serde_json::Map<String, Value>,
) -> Value {
    let shown = values
        .iter()
        .filter(|(name, _)| !["document", "search"].contains(&name.as_str()));
    shown
        .map(|(name, new)| {
            let old = now.get(name).cloned().unwrap_or_default();
            json!({ "path": name, "old": old, "new": new })
        })
        .collect()
}

/// How many people and groups one step takes back, and how much of what hangs on them.
const RESOURCES: i64 = 200;
const ATTACHED: i64 = 500;
/// How many members an entry names.
const NAMED: usize = 100;
