//! What was refused at the door: logged so that it is seen, and counted so that it fills nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use scim_service::Method;

use crate::event::Event;
use crate::id::ConfigurationId;
use crate::refusal::Cause;

/// A request that was refused before it was looked at.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRequest<'a> {
    /// The method.
    pub method: Method,
    /// The path below the base URL, percent-decoded.
    pub path: &'a str,
    /// Why.
    pub cause: Cause,
    /// The HTTP status of the answer.
    pub status: u16,
    /// A sentence for the administrator.
    pub reason: &'a str,
    /// What the client was told.
    pub detail: &'a str,
}

/// Refusals alike. The first one within a minute is an entry of its own; the others of that minute
/// become one entry that tells how many they were.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    windows: Mutex<HashMap<Key, Window>>,
}

/// What makes refusals alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    configuration: ConfigurationId,
    cause: Option<Cause>,
    /// `None` for the addresses beyond the first ones.
    source: Option<String>,
}

#[derive(Debug)]
struct Window {
    began: DateTime<Utc>,
    /// The last refusal that was not logged, which tells how many there were.
    held: Option<Event>,
}

impl Refusals {
    /// Takes a refusal; answers what is to be logged now.
    pub(crate) fn note(&self, event: Event) -> Vec<Event> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Key {
            configuration: event.configuration,
            cause: event.cause,
            source: event.source.clone(),
        };
        if !windows.contains_key(&key) {
            let alike = windows.keys().filter(|other| {
                (other.configuration, other.cause) == (key.configuration, key.cause)
            });
            if alike.count() >= ADDRESSES {
                key.source = None;
            }
        }
        let mut logged = Vec::new();
        match windows.get_mut(&key) {
            Some(window) if event.at - window.began < MINUTE => {
                let before = window.held.as_ref().map_or(0, |held| held.occurrences);
                window.held = Some(Event {
                    occurrences: before.saturating_add(1),
                    source: key.source,
                    ..event
                });
            }
            _ => {
                let began = event.at;
                let window = Window { began, held: None };
                let past = windows.insert(key, window).and_then(|window| window.held);
                logged.extend(past);
                logged.push(event);
            }
        }
        logged
    }

    /// Ends the minutes that are over; answers what is to be logged of them.
    pub(crate) fn due(&self, now: DateTime<Utc>) -> Vec<Event> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut logged = Vec::new();
        windows.retain(|_key, window| {
            // A clock that was put back ends them as well.
            let goes_on = (Duration::zero()..MINUTE).contains(&(now - window.began));
            if !goes_on {
                logged.extend(window.held.take());
            }
            goes_on
        });
        logged
    }
}

const MINUTE: Duration = Duration::seconds(60);
/// How many addresses are told apart in a minute, of one configuration and cause.
const ADDRESSES: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::event::{Action, Outcome};

    fn event(second: i64, source: &str) -> Event {
        Event {
            at: DateTime::from_timestamp(second, 0).unwrap(),
            configuration: ConfigurationId::parse("0198abcd-0000-7000-8000-000000000000").unwrap(),
            configuration_name: String::new(),
            request_id: String::new(),
            action: Action::Create,
            kind: None,
            resource_id: None,
            resource_name: None,
            mapping_version: None,
            outcome: Outcome::Failure,
            status: 401,
            scim_type: None,
            cause: Some(Cause::TokenRevoked),
            reason: None,
            detail: None,
            changes: Value::Null,
            deviations: Value::Null,
            duration_micros: 0,
            source: Some(source.to_owned()),
            user_agent: None,
            request: None,
            actor: None,
            occurrences: 1,
            run: None,
        }
    }

    #[test]
    fn of_many_alike_the_first_is_an_entry_and_the_others_are_counted() {
        let refusals = Refusals::default();
        assert_eq!(refusals.note(event(0, "192.0.2.1")).len(), 1);
        for second in 1..50 {
            assert!(refusals.note(event(second, "192.0.2.1")).is_empty());
        }
        assert_eq!(refusals.note(event(50, "192.0.2.2")).len(), 1, "another");
        assert!(refusals.due(event(59, "").at).is_empty());
        let due = refusals.due(event(60, "").at);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].occurrences, 49);
        assert!(refusals.due(event(1_000, "").at).is_empty());
        // What is noted later brings what waited.
        refusals.note(event(2_000, "192.0.2.1"));
        refusals.note(event(2_001, "192.0.2.1"));
        let logged = refusals.note(event(2_060, "192.0.2.1"));
        let occurrences: Vec<_> = logged.iter().map(|event| event.occurrences).collect();
        assert_eq!(occurrences, [1, 1]);
    }

    #[test]
    fn addresses_beyond_the_first_are_one() {
        let refusals = Refusals::default();
        let many = 0..1_000;
        let logged: usize = many
            .map(|at| {
                refusals
                    .note(event(at % 60, &format!("2001:db8::{at}")))
                    .len()
            })
            .sum();
        assert_eq!(logged, ADDRESSES + 1);
        assert_eq!(refusals.windows.lock().unwrap().len(), ADDRESSES + 1);
        let due = refusals.due(event(120, "").at);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].occurrences as usize, 1_000 - ADDRESSES - 1);
        assert_eq!(due[0].source, None);
    }
}
