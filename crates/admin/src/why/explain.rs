//! Which of all that is known explains how things stand now.
//!
//! What is about the person goes before what is about the configuration, and of that the newest: a
//! failure explains until something succeeds after it, an old status until somebody changes it.

use chrono::{DateTime, Utc};
use scim_provisioning::directory::Status;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{Cause, ConfigurationId, MendingPage};
use serde_json::Value;

use super::cause::{Doer, Mend, WhyCause};
use super::facts::{Facts, is_done};
use super::wanted::FoundPerson;
use crate::event::{AuditEntry, LoggedEvent};

/// What explains, and of what it was learnt.
#[derive(Debug, Clone)]
pub(crate) struct Explanation {
    pub(crate) cause: WhyCause,
    /// The configuration that it is about.
    pub(crate) configuration: Option<ConfigurationId>,
    /// The entry of the log that says so.
    pub(crate) event: Option<i64>,
    pub(crate) at: Option<DateTime<Utc>>,
    /// What the log says beside the cause.
    pub(crate) reason: Option<String>,
}

impl Explanation {
    pub(crate) fn of(cause: WhyCause) -> Self {
        Self {
            cause,
            configuration: None,
            event: None,
            at: None,
            reason: None,
        }
    }

    fn by(cause: WhyCause, event: &LoggedEvent) -> Self {
        Self {
            cause,
            configuration: Some(event.configuration),
            event: Some(event.id),
            at: Some(event.at),
            reason: event.reason.clone(),
        }
    }

    fn since(self, at: DateTime<Utc>) -> Self {
        let at = Some(at);
        Self { at, ..self }
    }

    fn in_configuration(self, id: ConfigurationId) -> Self {
        let configuration = Some(id);
        Self {
            configuration,
            ..self
        }
    }
}

/// What explains how things stand with somebody.
pub(crate) fn explain(facts: &Facts) -> Explanation {
    match &facts.person {
        None => absent(facts),
        Some(person) if person.protected => Explanation::of(WhyCause::Protected),
        Some(person) => match person.managed_by {
            None => by_hand(facts, person),
            Some(id) if !facts.counts(id) => elsewhere(facts, id),
            Some(id) => managed(facts, person, id),
        },
    }
}

/// Somebody who is not here.
fn absent(facts: &Facts) -> Explanation {
    // An identity provider may go on about somebody who is gone.
    let mut attempts = facts.attempts();
    let newest = attempts.find(|event| event.known_cause() != Some(Cause::ResourceUnknown));
    if let Some(newest) = newest.filter(|event| is_done(event)) {
        return Explanation::by(WhyCause::Purged, newest);
    }
    let asked = link(facts)
        .or_else(|| refused(facts))
        .or_else(|| closed(facts))
        .or_else(|| looked_up(facts));
    asked.unwrap_or_else(|| Explanation::of(WhyCause::NotAskedFor))
}

/// Somebody whom nobody manages.
fn by_hand(facts: &Facts, person: &FoundPerson) -> Explanation {
    let unlinked = audited(facts, &["person.unlinked"]);
    let status = status(facts, person);
    let later = |explanation: &Explanation| {
        let since = unlinked.map(|entry| entry.at);
        since.is_none_or(|since| explanation.at > Some(since))
    };
    let asked = link(facts).or_else(|| refused(facts).filter(later));
    let asked = asked.or(status).or_else(|| {
        unlinked.map(|entry| {
            let doer = Doer::Administrator(entry.actor.clone());
            Explanation::of(WhyCause::Unlinked(doer)).since(entry.at)
        })
    });
    let asked = asked.or_else(|| closed(facts)).or_else(|| looked_up(facts));
    asked.unwrap_or_else(|| Explanation::of(WhyCause::ByHand))
}

/// Somebody whom another configuration manages than the one that was asked for.
fn elsewhere(facts: &Facts, id: ConfigurationId) -> Explanation {
    refused(facts).unwrap_or_else(|| {
        let configuration = facts.name_of(id);
        Explanation::of(WhyCause::Elsewhere { configuration }).in_configuration(id)
    })
}

/// Somebody whom a configuration manages.
fn managed(facts: &Facts, person: &FoundPerson, id: ConfigurationId) -> Explanation {
    if let Some((of, held)) = &facts.held {
        let told = facts.own().find(|event| event.outcome == Outcome::Held);
        // The log may have forgotten it; mostly there were too many.
        let cause = told.and_then(LoggedEvent::known_cause);
        let explanation = Explanation {
            event: told.map(|event| event.id),
            reason: told.and_then(|event| event.reason.clone()),
            ..Explanation::of(WhyCause::Held(cause.unwrap_or(Cause::GuardHeld)))
        };
        return explanation.in_configuration(*of).since(held.at);
    }
    let departed = person.left.map(|left| {
        let purge = person.purge;
        let mut own = facts.own();
        let told = own.find(|event| is_done(event) && leaves(event));
        let explanation = Explanation {
            event: told.map(|event| event.id),
            ..Explanation::of(WhyCause::Deleted { purge })
        };
        explanation.in_configuration(id).since(left)
    });
    let status = departed.or_else(|| status(facts, person).map(|one| one.in_configuration(id)));
    let refused = refused(facts);
    // Of a failure and what somebody did to the person, the later one.
    let own = match (refused, status) {
        (Some(refused), Some(status)) if refused.at < status.at => Some(status),
        (Some(refused), _) => Some(refused),
        (None, status) => status,
    };
    let own = own.or_else(|| held_member(facts));
    let own = own.or_else(|| closed_one(facts, id));
    let own = own.or_else(|| match (changed_by_hand(facts), value_dropped(facts)) {
        (Some(changed), Some(dropped)) if changed.at < dropped.at => Some(dropped),
        (changed, dropped) => changed.or(dropped),
    });
    own.unwrap_or_else(|| Explanation::of(WhyCause::Fine).in_configuration(id))
}

/// That it is held that somebody leaves a group.
fn held_member(facts: &Facts) -> Option<Explanation> {
    let mut held = facts.held_memberships.iter();
    let (of, held, told) = held.find(|(id, ..)| facts.counts(*id))?;
    // The log may have forgotten it; mostly there were too many.
    let cause = told.as_ref().and_then(LoggedEvent::known_cause);
    let cause = WhyCause::HeldMember {
        cause: cause.unwrap_or(Cause::GuardHeld),
        group: held.group_name.clone(),
    };
    let explanation = Explanation {
        event: told.as_ref().map(|event| event.id),
        reason: told.as_ref().and_then(|event| event.reason.clone()),
        ..Explanation::of(cause)
    };
    Some(explanation.in_configuration(*of).since(held.at))
}

/// A link that waits, or that was dismissed after it was asked for last.
fn link(facts: &Facts) -> Option<Explanation> {
    let mut links = facts.links.iter().filter(|(id, _)| facts.counts(*id));
    let (id, link) = links.next()?;
    let person = link.person_name.clone();
    let cause = match link.dismissed {
        None => WhyCause::LinkPending { person },
        Some(_) => WhyCause::LinkDismissed { person },
    };
    let at = link.dismissed.unwrap_or(link.at);
    Some(Explanation::of(cause).in_configuration(*id).since(at))
}

/// The newest attempt, if it failed and nothing was done since.
fn refused(facts: &Facts) -> Option<Explanation> {
    let mut attempts = facts.attempts();
    // What an administrator decided not to do left things as they were.
    let newest =
        attempts.find(|event| event.outcome != Outcome::Skipped || event.cause.is_some())?;
    let stays = match newest.outcome.known() {
        // What an administrator has dealt with explains no more how somebody is who is here.
        Some(Outcome::Failure) => newest.resolved_at.is_none() || facts.person.is_none(),
        Some(Outcome::Skipped) => facts.person.is_none(),
        _ => false,
    };
    let cause = newest.known_cause().unwrap_or(Cause::ServerFailed);
    stays.then(|| Explanation::by(WhyCause::Refused(cause), newest))
}

/// Who gave a person who does not work the status.
fn status(facts: &Facts, person: &FoundPerson) -> Option<Explanation> {
    let (event, of): (&str, fn(Doer) -> WhyCause) = match person.status {
        Status::Active => return None,
        Status::Blocked => ("person.blocked", WhyCause::Blocked),
        Status::Archived => ("person.archived", WhyCause::Archived),
    };
    let by_hand = audited(facts, &[event]);
    let mut own = facts.own();
    let asked = own.find(|event| is_done(event) && leaves(event));
    Some(match (by_hand, asked) {
        (Some(entry), asked) if asked.is_none_or(|event| event.at < entry.at) => {
            let doer = Doer::Administrator(entry.actor.clone());
            Explanation::of(of(doer)).since(entry.at)
        }
        (_, Some(event)) => {
            let doer = match &event.actor {
                Some(actor) => Doer::Administrator(actor.clone()),
                None => Doer::Configuration(event.configuration_name.clone()),
            };
            Explanation::by(of(doer), event)
        }
        _ => Explanation::of(of(Doer::Unknown)),
    })
}

fn leaves(event: &LoggedEvent) -> bool {
    let leaving = [Action::Block, Action::Archive, Action::Delete];
    leaving.iter().any(|action| event.action == *action)
}

/// Why nothing comes through of any configuration that may ask for somebody, unless it was later that
/// somebody was looked for.
fn closed(facts: &Facts) -> Option<Explanation> {
    let mut found = None;
    for setting in facts.settings.iter().filter(|one| facts.counts(one.id)) {
        let explanation = closed_one(facts, setting.id)?;
        found = found.or(Some(explanation));
    }
    found
}

fn closed_one(facts: &Facts, id: ConfigurationId) -> Option<Explanation> {
    let setting = facts.settings.iter().find(|setting| setting.id == id)?;
    let (cause, door) = setting.closed()?;
    let explanation = Explanation {
        event: door.map(|door| door.event),
        at: door.map(|door| door.at),
        ..Explanation::of(WhyCause::Closed(cause))
    };
    Some(explanation.in_configuration(id))
}

/// That somebody was looked for, and not found.
fn looked_up(facts: &Facts) -> Option<Explanation> {
    let counted = facts
        .look_ups
        .iter()
        .filter(|one| facts.counts(one.configuration));
    // One cycle looks for one person by several values.
    let most = counted.max_by_key(|one| (one.times, one.last))?;
    let cause = WhyCause::LookedUp { times: most.times };
    Some(
        Explanation::of(cause)
            .in_configuration(most.configuration)
            .since(most.last),
    )
}

/// That an administrator changed the person after whatever was provisioned last.
fn changed_by_hand(facts: &Facts) -> Option<Explanation> {
    let entry = audited(facts, &["person.converted", "person.unblocked"])?;
    let provisioned = facts.own().find(|event| is_done(event));
    let is_last = provisioned.is_none_or(|event| event.at < entry.at);
    is_last.then(|| {
        let doer = Doer::Administrator(entry.actor.clone());
        let reason = entry.event.clone().into_owned();
        let explanation = Explanation::of(WhyCause::ChangedByHand(doer)).since(entry.at);
        Explanation {
            reason: Some(reason),
            ..explanation
        }
    })
}

/// That a rule dropped a value, and that nothing was said of its attribute since.
fn value_dropped(facts: &Facts) -> Option<Explanation> {
    let mut touched: Vec<&str> = Vec::new();
    for event in facts.own().filter(|event| is_done(event)) {
        let notes = event.deviations.as_array().into_iter().flatten();
        for note in notes.filter(|note| of(note, "name") == Some("mapping")) {
            let said = [of(note, "path"), of(note, "field")];
            let mended = said.into_iter().flatten().any(|said| {
                let mut touched = touched.iter();
                touched.any(|path| is_within(path, said))
            });
            let unnamed = of(note, "path").is_none() && !touched.is_empty();
            if mended || unnamed {
                continue;
            }
            let text = of(note, "text").unwrap_or_default().to_owned();
            return Some(Explanation::by(WhyCause::ValueDropped { text }, event));
        }
        for change in event.changes.as_array().into_iter().flatten() {
            let path = of(change, "path").or_else(|| of(change, "field"));
            touched.extend(path);
        }
    }
    None
}

/// A text of a document.
fn of<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member)?.as_str()
}

/// Whether a change of one path is one of another: of the same attribute, or of the whole.
pub(super) fn is_within(changed: &str, path: &str) -> bool {
    let attribute = |path: &str| -> String {
        let end = path.find(['[', '.']).filter(|_| !path.starts_with("urn:"));
        path.get(..end.unwrap_or(path.len()))
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    changed.is_empty() || attribute(changed) == attribute(path)
}

/// The newest entry of the audit of one of these events.
fn audited<'f>(facts: &'f Facts, events: &[&str]) -> Option<&'f AuditEntry> {
    let mut audit = facts.audit.iter().map(|(_, entry)| entry);
    audit.find(|entry| events.contains(&&*entry.event))
}

impl Explanation {
    /// What mends it, if something here does.
    pub(crate) fn mend(&self, facts: &Facts) -> Option<Mend> {
        let person = || {
            let person = facts.person.as_ref()?;
            Some(Mend::Person(person.id.clone()))
        };
        let page = |page: MendingPage| Some(Mend::Page(page, self.configuration));
        match &self.cause {
            WhyCause::Refused(cause) | WhyCause::Closed(cause) => match cause.mending_page() {
                // Put right elsewhere, it can be carried out again from its entry.
                MendingPage::Nowhere => self.event.map(Mend::Entry),
                found => page(found),
            },
            WhyCause::LinkPending { .. } | WhyCause::LinkDismissed { .. } => {
                page(MendingPage::Links)
            }
            WhyCause::Held(_) | WhyCause::HeldMember { .. } => page(MendingPage::Held),
            WhyCause::ValueDropped { .. } => page(MendingPage::Mapping),
            WhyCause::Several(_) => Some(Mend::Page(MendingPage::Directory, None)),
            WhyCause::Elsewhere { .. } | WhyCause::LookedUp { .. } => page(MendingPage::Overview),
            WhyCause::NotAskedFor | WhyCause::ByHand => {
                let mut settings = facts.settings.iter();
                let first = settings.next().filter(|_| settings.next().is_none())?;
                Some(Mend::Page(MendingPage::Overview, Some(first.id)))
            }
            WhyCause::Blocked(_)
            | WhyCause::Archived(_)
            | WhyCause::ChangedByHand(_)
            | WhyCause::Unlinked(_)
            | WhyCause::Protected
            | WhyCause::Deleted { .. } => person(),
            WhyCause::Purged | WhyCause::Fine => None,
        }
    }
}
