//! Writes to people about alerts.
//!
//! The server that raises alerts writes: once about each, once more when it becomes more urgent, and
//! once when it is over. Up to where that was done stands in the database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use crate::alert::{Alert, AlertKind};
use crate::error::AdminError;
use crate::services::Services;

/// What is written to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// By what it is known, when it comes twice.
    pub id: String,
    /// The one that it goes on from, where it is not the first about an alert.
    pub follows: Option<String>,
    /// What it is about.
    pub subject: String,
    /// What it says, in lines.
    pub text: String,
}

/// Why a letter was not taken.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MailError(Box<dyn std::error::Error + Send + Sync>);

impl MailError {
    /// Of what went wrong.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// Takes letters to people.
pub trait Postman: Send + Sync {
    /// Hands a letter over, and waits until it was taken.
    ///
    /// # Errors
    /// Why it was not.
    fn send(&self, letter: &Letter) -> Result<(), MailError>;
}

/// Writes to people about alerts.
pub struct Mailer {
    services: Services,
    /// Under which this server raises alerts.
    owner: String,
    postman: Arc<dyn Postman>,
    console: String,
    /// Since when letters are not taken, which is an alert too.
    unmailed: Arc<Mutex<Option<DateTime<Utc>>>>,
    pace: Mutex<Pace>,
}

/// When is written next, and about what was written that stands in no database.
#[derive(Debug, Default)]
struct Pace {
    failures: u32,
    next: Option<DateTime<Utc>>,
    /// Since when the database takes no writes, as people know.
    refused: Option<DateTime<Utc>>,
}

impl Mailer {
    pub(crate) fn new(
        services: Services,
        owner: String,
        postman: Arc<dyn Postman>,
        console: String,
        unmailed: Arc<Mutex<Option<DateTime<Utc>>>>,
    ) -> Self {
        Self {
            services,
            owner,
            postman,
            console,
            unmailed,
            pace: Mutex::default(),
        }
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.services.admin.now()
    }

    /// Writes about what nobody was written to about yet, if this server is the one that does.
    /// Letters that are not taken are tried again, later and later.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn step(&self, now: DateTime<Utc>) -> Result<(), AdminError> {
        if self.pace().next.is_some_and(|next| now < next) {
            return Ok(());
        }
        let admin = &self.services.admin;
        // That stands in no database, so that each server tells what it sees.
        if let Some(refused) = admin.refused_writes(now) {
            if self.pace().refused != Some(refused.since) && self.send(&refused, now) {
                self.pace().refused = Some(refused.since);
            }
            return Ok(());
        }
        if !admin.is_watcher(&self.owner, now)? {
            // Whoever is, sees whether letters are taken.
            self.taken();
            return Ok(());
        }
        for alert in admin.unmailed_alerts(now, AT_ONCE)? {
            // Of that no letter tells.
            let told = alert.kind == AlertKind::MailFailing || self.send(&alert, now);
            if !told {
                break;
            }
            admin.note_mailed(&alert)?;
        }
        Ok(())
    }

    /// Sends a letter about an alert; answers whether it was taken.
    fn send(&self, alert: &Alert, now: DateTime<Utc>) -> bool {
        match self.postman.send(&letter(alert, &self.console)) {
            Ok(()) => {
                self.taken();
                true
            }
            Err(error) => {
                let mut pace = self.pace();
                let pause = FIRST_PAUSE * 2_i32.saturating_pow(pace.failures.min(10));
                pace.failures += 1;
                pace.next = Some(now + pause.min(LONGEST_PAUSE));
                let since = *self.unmailed().get_or_insert(now);
                tracing::warn!(
                    %error,
                    since = since.to_rfc3339(),
                    alert = alert.kind.as_str(),
                    "mail about an alert was not taken; it is tried again"
                );
                false
            }
        }
    }

    fn taken(&self) {
        let mut pace = self.pace();
        pace.failures = 0;
        pace.next = None;
        *self.unmailed() = None;
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unmailed(&self) -> MutexGuard<'_, Option<DateTime<Utc>>> {
        self.unmailed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written about an alert.
fn letter(alert: &Alert, console: &str) -> Letter {
    let (title, name) = (alert.kind.title(), &alert.about.name);
    let since = instant(alert.since);
    let page = alert.page();
    let page = format!("{console}{}", page.strip_prefix("/admin").unwrap_or(&page));
    let subject = match alert.over {
        None => format!("{title}: {name}"),
        Some(_) => format!("Over: {title}: {name}"),
    };
    let text = match alert.over {
        None => format!(
            "{}\n\nSince {since}.\n\nWhat to do: {}\n\n{page}\n",
            alert.message(),
            alert.kind.advice()
        ),
        Some(over) => format!(
            "It is over since {}. It began at {since}:\n\n{}\n\n{page}\n",
            instant(over),
            alert.message()
        ),
    };
    let first = alert.told <= 1;
    Letter {
        id: match first {
            true => alert.id.clone(),
            false => format!("{}.{}", alert.id, alert.told),
        },
        follows: (!first).then(|| alert.id.clone()),
        subject,
        text,
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// How many letters are written at once.
const AT_ONCE: i64 = 20;
const FIRST_PAUSE: Duration = Duration::seconds(30);
const LONGEST_PAUSE: Duration = Duration::hours(1);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::alert::AlertThing;

    #[test]
    fn a_letter_says_what_it_is_since_when_what_to_do_and_where() {
        let since = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let alert = Alert {
            id: "a1".to_owned(),
            kind: AlertKind::DeliveriesFailing,
            about: AlertThing {
                id: "s1".to_owned(),
                name: "Sign-in".to_owned(),
                configuration: None,
            },
            cause: None,
            count: None,
            ends: None,
            since,
            seen: since,
            over: None,
            told: 1,
        };
        let first = letter(&alert, "https://scim.example/admin");
        assert_eq!((first.id.as_str(), first.follows), ("a1", None));
        assert_eq!(
            first.subject,
            "A receiver is not told what changes: Sign-in"
        );
        for said in [
            alert.message().as_str(),
            "Since 2027-01-15T08:00:00Z.",
            alert.kind.advice(),
            "https://scim.example/admin/settings/streams/s1\n",
        ] {
            assert!(first.text.contains(said), "{}", first.text);
        }
        let over = Alert {
            over: Some(since + Duration::hours(1)),
            told: 2,
            ..alert
        };
        let last = letter(&over, "https://scim.example/admin");
        assert_eq!(
            (last.id.as_str(), last.follows.as_deref()),
            ("a1.2", Some("a1"))
        );
        assert!(last.subject.starts_with("Over: "), "{}", last.subject);
        assert!(
            last.text.contains(
                "It is over since 2027-01-15T09:00:00Z. It began at 2027-01-15T08:00:00Z"
            ),
            "{}",
            last.text
        );
    }
}
