//! The provisioning log, its counts and who wrote, in memory.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use scim_protocol::text::fold;
use scim_provisioning::directory::Author;
use scim_provisioning::{ConfigurationId, Event, Outcome, StoreError};

use super::rows::Rows;
use crate::event::{Activity, EventQuery, LATER_SUCCESS, LoggedEvent, Word};
use crate::store::{KeepLog, ReadLog, RecordEvents, WriteLog};

/// An entry as it is read.
fn logged(id: i64, event: &Event) -> LoggedEvent {
    LoggedEvent {
        id,
        at: event.at,
        configuration: event.configuration,
        configuration_name: event.configuration_name.clone(),
        request_id: event.request_id.clone(),
        action: event.action.into(),
        kind: event.kind.map(Word::Known),
        resource_id: event.resource_id.map(|id| id.to_string()),
        resource_name: event.resource_name.clone(),
        mapping_version: event.mapping_version,
        outcome: event.outcome.into(),
        status: i32::from(event.status),
        scim_type: event.scim_type.clone(),
        reason: event.reason.clone(),
        changes: event.changes.clone(),
        deviations: event.deviations.clone(),
        duration_micros: event.duration_micros,
        source: event.source.clone(),
        user_agent: event.user_agent.clone(),
        request: event.request.clone(),
        detail: event.detail.clone(),
        stage: event.cause.map(|cause| cause.stage().into()),
        cause: event.cause.map(Word::Known),
        actor: event.actor.clone(),
        occurrences: i64::from(event.occurrences),
        run: event.run,
        resolved_at: None,
        resolved_by: None,
    }
}

fn fits(event: &LoggedEvent, query: &EventQuery) -> bool {
    let search = |search: &str| {
        event.request_id == search
            || event.resource_id.as_deref() == Some(search)
            || event
                .resource_name
                .as_ref()
                .is_some_and(|name| fold(name).starts_with(&fold(search)))
    };
    (query.configuration).is_none_or(|id| event.configuration == id)
        && query.outcome.is_none_or(|one| event.outcome == one)
        && query.action.is_none_or(|one| event.action == one)
        && (query.kind.is_none() || event.known_kind() == query.kind)
        && query.search.as_deref().map(str::trim).is_none_or(search)
        && (query.state.is_none() || event.state() == query.state)
        && query.since.is_none_or(|since| event.at >= since)
        && query.until.is_none_or(|until| event.at < until)
        && (query.run.is_none() || event.run == query.run)
}

fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

impl ReadLog for Rows {
    fn events(&mut self, query: &EventQuery) -> Result<Vec<LoggedEvent>, StoreError> {
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let of_query = self.events.iter().filter(|event| fits(event, query));
        Ok(match (query.before, query.after) {
            (Some(before), _) => {
                let older = of_query.filter(|event| event.id < before);
                older.rev().take(limit).cloned().collect()
            }
            (None, Some(after)) => {
                let newer = of_query.filter(|event| event.id > after);
                newer.take(limit).cloned().collect()
            }
            (None, None) => {
                let mut newest: Vec<_> = of_query.rev().take(limit).cloned().collect();
                newest.reverse();
                newest
            }
        })
    }

    fn newer_change(
        &mut self,
        than: &LoggedEvent,
        name: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        let changed = |event: &&LoggedEvent| {
            let same = match &than.resource_id {
                Some(id) => event.resource_id.as_ref() == Some(id),
                None => name.is_some_and(|name| {
                    event.configuration == than.configuration
                        && event
                            .resource_name
                            .as_ref()
                            .is_some_and(|known| fold(known) == fold(name))
                }),
            };
            let taken = matches!(
                event.outcome,
                Word::Known(Outcome::Success | Outcome::Warning | Outcome::Held)
            );
            same && event.id > than.id && taken
        };
        Ok(self.events.iter().find(changed).map(|event| event.id))
    }

    fn changed_since(&mut self, event: &LoggedEvent) -> Result<bool, StoreError> {
        let Some(id) = &event.resource_id else {
            return Ok(false);
        };
        let person = self.people.iter().find(|person| person.id == *id);
        let group = self.groups.iter().find(|group| group.id == *id);
        let written = person.map(|person| person.last_modified);
        let written = written.or(group.map(|group| group.last_modified));
        Ok(written.is_some_and(|written| written > event.at))
    }

    fn activity(
        &mut self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError> {
        let mut counts: BTreeMap<(DateTime<Utc>, ConfigurationId, Outcome), i64> = BTreeMap::new();
        for event in &self.events {
            let at = hour(event.at);
            if at >= hour(since)
                && configuration.is_none_or(|id| event.configuration == id)
                && let Some(outcome) = event.outcome.known()
            {
                let key = (at, event.configuration, outcome);
                *counts.entry(key).or_default() += 1;
            }
        }
        let counted = counts.into_iter();
        Ok(counted
            .map(|((hour, configuration, outcome), entries)| Activity {
                configuration,
                hour,
                outcome,
                entries,
            })
            .collect())
    }

    fn requests(
        &mut self,
        since: DateTime<Utc>,
        configuration: Option<ConfigurationId>,
    ) -> Result<Vec<Activity>, StoreError> {
        let of = |count: &&Activity| {
            count.hour >= hour(since) && configuration.is_none_or(|id| count.configuration == id)
        };
        Ok(self.requests.iter().filter(of).cloned().collect())
    }
}

impl RecordEvents for Rows {
    fn record_event(&mut self, event: &Event) -> Result<(), StoreError> {
        if matches!(
            event.outcome,
            Outcome::Success | Outcome::Warning | Outcome::Held
        ) {
            let id = event.resource_id.map(|id| id.to_string());
            let configuration = event.configuration;
            for known in &mut self.events {
                let same = id.is_some() && known.resource_id == id;
                let open = known.outcome == Outcome::Failure && known.resolved_at.is_none();
                if same && open && known.configuration == configuration {
                    known.resolved_at = Some(event.at);
                    known.resolved_by = Some(LATER_SUCCESS.to_owned());
                }
            }
        }
        let id = self.events.last().map_or(1, |last| last.id + 1);
        self.events.push(logged(id, event));
        Ok(())
    }
}

impl WriteLog for Rows {
    fn speak_as(&mut self, author: &Author) -> Result<(), StoreError> {
        self.authors.push(author.clone());
        Ok(())
    }

    fn resolve_event(
        &mut self,
        id: i64,
        by: Option<(&str, DateTime<Utc>)>,
    ) -> Result<bool, StoreError> {
        let Some(event) = self.events.iter_mut().find(|event| event.id == id) else {
            return Ok(false);
        };
        // An administrator's word stands before what closed by itself.
        let by_itself = event.resolved_by.as_deref() == Some(LATER_SUCCESS);
        let changed = match by {
            Some(_) => event.can_be_resolved() && (event.resolved_at.is_none() || by_itself),
            None => event.resolved_at.is_some(),
        };
        if changed {
            event.resolved_at = by.map(|(_, at)| at);
            event.resolved_by = by.map(|(name, _)| name.to_owned());
        }
        Ok(changed)
    }
}

impl KeepLog for Rows {
    fn count_requests(&mut self, counts: &[Activity]) -> Result<(), StoreError> {
        for count in counts {
            let same = |known: &&mut Activity| {
                (known.hour, known.configuration, known.outcome)
                    == (count.hour, count.configuration, count.outcome)
            };
            match self.requests.iter_mut().find(same) {
                Some(known) => known.entries += count.entries,
                None => self.requests.push(count.clone()),
            }
        }
        Ok(())
    }

    fn count_hours(&mut self, _now: DateTime<Utc>) -> Result<(), StoreError> {
        // The log is in memory; counting it costs nobody a scan.
        Ok(())
    }

    fn forget_events(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let old = self.events.iter().filter(|event| event.at < before);
        let ids: Vec<i64> = old
            .map(|event| event.id)
            .take(usize::try_from(limit).unwrap_or(0))
            .collect();
        self.events.retain(|event| !ids.contains(&event.id));
        Ok(ids.len())
    }

    fn forget_requests(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let old = self.events.iter_mut();
        let old = old.filter(|event| event.at < before && event.request.is_some());
        let mut forgotten = 0;
        for event in old.take(usize::try_from(limit).unwrap_or(0)) {
            event.request = None;
            forgotten += 1;
        }
        Ok(forgotten)
    }

    fn purge_people(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let due = self.people.iter().filter(|person| {
            let over = person.purge.is_some_and(|at| at <= now);
            over && person.left && !person.tenant_admin
        });
        let ids: Vec<String> = due
            .map(|person| person.id.clone())
            .take(usize::try_from(limit).unwrap_or(0))
            .collect();
        self.people.retain(|person| !ids.contains(&person.id));
        for group in &mut self.groups {
            group.members.retain(|member| !ids.contains(member));
        }
        Ok(ids.len())
    }
}
