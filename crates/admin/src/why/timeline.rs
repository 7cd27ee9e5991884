//! What happened to somebody.

use chrono::{DateTime, Utc};

use super::facts::Facts;
use super::sentence::{of_audit, of_entry, of_look_up};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in a sentence.
    pub sentence: String,
    /// The entry of the provisioning log that tells of it, where one does.
    pub event: Option<i64>,
}

/// Everything that is known, the newest first.
pub(crate) fn timeline(facts: &Facts) -> Vec<Moment> {
    let entries = facts.entries.iter().map(|event| Moment {
        at: event.at,
        sentence: of_entry(event),
        event: Some(event.id),
    });
    let audit = facts.audit.iter().map(|(_, entry)| Moment {
        at: entry.at,
        sentence: of_audit(&entry.event, &entry.actor, &entry.object),
        event: None,
    });
    let look_ups = facts.look_ups.iter().map(|one| Moment {
        at: one.last,
        sentence: of_look_up(
            &facts.name_of(one.configuration),
            one.by.as_str(),
            &one.value,
            one.times,
        ),
        event: None,
    });
    let links = facts.links.iter().map(|(id, link)| {
        let (at, what) = match link.dismissed {
            Some(at) => (at, "was dismissed"),
            None => (link.at, "waits"),
        };
        let (user, person, by) = (link.user_name(), &link.person_name, facts.name_of(*id));
        Moment {
            at,
            sentence: format!("The link of {user}, whom “{by}” sent, to {person} {what}."),
            event: None,
        }
    });
    let held = facts.held.iter().map(|(id, held)| Moment {
        at: held.at,
        sentence: format!(
            "The guard of “{}” holds a change of {} until an administrator decides.",
            facts.name_of(*id),
            held.user_name
        ),
        event: None,
    });
    let memberships = facts
        .held_memberships
        .iter()
        .map(|(id, held, event)| Moment {
            at: held.at,
            sentence: format!(
                "The guard of “{}” holds that {} leaves {} until an administrator decides.",
                facts.name_of(*id),
                held.member_name.as_deref().unwrap_or(&held.member),
                held.group_name
            ),
            event: event.as_ref().map(|event| event.id),
        });
    let doors = facts.settings.iter().filter_map(|setting| {
        let door = setting.door?;
        Some(Moment {
            at: door.at,
            sentence: format!(
                "Requests of “{}” are refused: {}",
                setting.name,
                door.cause.meaning()
            ),
            event: Some(door.event),
        })
    });
    let mut moments: Vec<Moment> = entries
        .chain(audit)
        .chain(look_ups)
        .chain(links)
        .chain(held)
        .chain(memberships)
        .chain(doors)
        .collect();
    moments.sort_by_key(|moment| std::cmp::Reverse((moment.at, moment.event)));
    moments.truncate(MOST);
    moments
}

/// How many moments are told.
const MOST: usize = 100;
