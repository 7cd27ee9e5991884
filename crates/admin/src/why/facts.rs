//! What is known of somebody.

use chrono::{DateTime, Utc};
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{Cause, ConfigurationId, LookUp, ResourceKind, Stage};

use super::wanted::FoundPerson;
use crate::configuration::ConfigurationStatus;
use crate::event::{AuditEntry, LoggedEvent, Word};
use crate::policy::{HeldMember, HeldUser, LinkRequest};

/// Everything that may explain how things stand with somebody.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Who was asked for.
    pub who: String,
    /// The person, if somebody is here.
    pub person: Option<FoundPerson>,
    /// The configurations that count.
    pub settings: Vec<Setting>,
    /// The configuration that was asked for, where one was.
    pub only: Option<ConfigurationId>,
    /// What the log says, the newest first.
    pub entries: Vec<LoggedEvent>,
    /// What the audit says, the newest first.
    pub audit: Vec<(i64, AuditEntry)>,
    /// The links that wait or were dismissed, the newest first.
    pub links: Vec<(ConfigurationId, LinkRequest)>,
    /// What the guard holds.
    pub held: Option<(ConfigurationId, HeldUser)>,
    /// The memberships that the guard holds, the newest first, each with the entry of the log that says
    /// so where it is still there.
    pub held_memberships: Vec<(ConfigurationId, HeldMember, Option<LoggedEvent>)>,
    /// What was looked for and not found.
    pub look_ups: Vec<LookUp>,
}

/// A configuration, and whether anything comes through.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The id.
    pub id: ConfigurationId,
    /// The name.
    pub name: String,
    /// Whether it is enabled.
    pub status: ConfigurationStatus,
    /// Whether users are provisioned.
    pub users: bool,
    /// What its last requests were refused for, if nothing was accepted since.
    pub door: Option<DoorRefusal>,
}

/// A request that was refused before anybody looked at whom it is about.
#[derive(Debug, Clone, Copy)]
pub struct DoorRefusal {
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: DateTime<Utc>,
    /// The entry of the log.
    pub event: i64,
}

impl DoorRefusal {
    /// The last refusal at the door in the newest entries of a configuration, unless something was
    /// accepted later.
    pub(crate) fn of(newest: &[LoggedEvent], accepted: Option<DateTime<Utc>>) -> Option<Self> {
        let at_door = |event: &LoggedEvent| event.stage == Some(Word::Known(Stage::Authenticate));
        let refused = newest.iter().find(|event| {
            let told_to_wait = event.outcome == Outcome::Skipped;
            at_door(event) && !told_to_wait && event.known_cause().is_some()
        })?;
        let later = newest.iter().find(|event| !at_door(event)).map(|e| e.at);
        let is_open = later.max(accepted).is_some_and(|at| at > refused.at);
        (!is_open).then_some(Self {
            cause: refused.known_cause()?,
            at: refused.at,
            event: refused.id,
        })
    }
}

impl Setting {
    /// Why nothing comes through, and when that was seen last.
    pub(crate) fn closed(&self) -> Option<(Cause, Option<DoorRefusal>)> {
        let door = |cause| self.door.filter(|door| door.cause == cause);
        let cause = match (self.status, self.users) {
            (ConfigurationStatus::Disabled | ConfigurationStatus::Deleting, _) => {
                Cause::ConfigurationDisabled
            }
            (ConfigurationStatus::Paused, _) => Cause::ConfigurationPaused,
            (_, false) => Cause::TypeSwitchedOff,
            // What it was is mended already.
            _ => match self.door?.cause {
                Cause::ConfigurationDisabled
                | Cause::ConfigurationPaused
                | Cause::TypeSwitchedOff => return None,
                cause => cause,
            },
        };
        Some((cause, door(cause)))
    }
}

impl Facts {
    /// Whether an entry is of the configuration that was asked for.
    pub(crate) fn counts(&self, configuration: ConfigurationId) -> bool {
        self.only.is_none_or(|only| only == configuration)
    }

    /// The entries that tell of a change, or of an attempt at one; the newest first.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = &LoggedEvent> {
        self.entries.iter().filter(|event| {
            self.counts(event.configuration)
                && event
                    .known_kind()
                    .is_none_or(|kind| kind == ResourceKind::User)
                && event.action != Action::Read
                && event.stage != Some(Word::Known(Stage::Authenticate))
        })
    }

    /// Those of a person who is here.
    pub(crate) fn own(&self) -> impl Iterator<Item = &LoggedEvent> {
        let id = self.person.as_ref().map(|person| person.id.as_str());
        self.attempts()
            .filter(move |event| id.is_some() && event.resource_id.as_deref() == id)
    }

    /// The name of a configuration; the log knows those that are gone.
    pub(crate) fn name_of(&self, id: ConfigurationId) -> String {
        let setting = self.settings.iter().find(|setting| setting.id == id);
        let logged = || {
            let mut entries = self.entries.iter();
            let entry = entries.find(|event| event.configuration == id);
            entry.map(|event| event.configuration_name.clone())
        };
        let name = setting.map(|setting| setting.name.clone()).or_else(logged);
        name.unwrap_or_else(|| "a configuration".to_owned())
    }
}

/// Whether an entry tells of something that was done.
pub(crate) fn is_done(event: &LoggedEvent) -> bool {
    matches!(
        event.outcome,
        Word::Known(Outcome::Success | Outcome::Warning)
    )
}
