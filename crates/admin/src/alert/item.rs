//! An alert, as it is kept and told.

use chrono::{DateTime, SecondsFormat, Utc};
use scim_provisioning::ConfigurationId;
use serde_json::{Map, Value, json};

use super::kind::{AlertCause, AlertKind};

/// Something that needs somebody, or did.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The id; later ones have greater ones.
    pub id: String,
    /// What it is.
    pub kind: AlertKind,
    /// What it is about.
    pub about: AlertThing,
    /// Why, where the kind alone does not say it.
    pub cause: Option<AlertCause>,
    /// How many, where something is counted.
    pub count: Option<i64>,
    /// When that ends which ends soon.
    pub ends: Option<DateTime<Utc>>,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// When it was last seen.
    pub seen: DateTime<Utc>,
    /// When it was over.
    pub over: Option<DateTime<Utc>>,
    /// How often it was told.
    pub told: i64,
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertThing {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The configuration that it belongs to, or is.
    pub configuration: Option<ConfigurationId>,
}

/// Which alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertsQuery {
    /// Those that are open or over.
    pub state: AlertState,
    /// Before this one, the newest first.
    pub before: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Whether alerts are over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AlertState {
    /// They are not.
    #[default]
    Open,
    /// They are.
    Over,
    /// Whether or not.
    All,
}

impl AlertState {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Over, Self::All];

    /// The word by which it is asked for.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Over => "over",
            Self::All => "all",
        }
    }

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether an alert is among them.
    pub fn has(self, alert: &Alert) -> bool {
        match self {
            Self::Open => alert.over.is_none(),
            Self::Over => alert.over.is_some(),
            Self::All => true,
        }
    }
}

impl Alert {
    /// What it is, in a sentence or two.
    pub fn message(&self) -> String {
        let name = &self.about.name;
        let said = match self.kind {
            AlertKind::ConfigurationFailing => format!("{name} fails."),
            AlertKind::ConfigurationSilent => format!(
                "{name} sent nothing since {}, which is longer than it usually is silent.",
                instant(self.since)
            ),
            AlertKind::ChangesHeld => match self.count {
                Some(1) => format!("1 change of {name} is held."),
                count => format!("{} changes of {name} are held.", count.unwrap_or_default()),
            },
            AlertKind::TokenEnds => format!("The token {name} is in use{}.", self.ending()),
            AlertKind::RetiringTokenUsed => {
                format!("The token {name} is still used, whose place another one is to take.")
            }
            AlertKind::CertificateEnds => {
                format!(
                    "The certificate of the server is presented{}.",
                    self.ending()
                )
            }
            AlertKind::DeliveriesFailing => {
                format!("The receiver of {name} is not told what changes.")
            }
            AlertKind::DatabaseRefusesWrites => "The database takes no writes.".to_owned(),
            AlertKind::RehearsalWaiting => {
                format!("{name} rehearses since {}.", instant(self.since))
            }
            AlertKind::MailFailing => format!("{name} takes no mail about alerts."),
        };
        match self.cause {
            // The time itself says more.
            Some(_) if self.ends.is_some() => said,
            Some(cause) => format!("{said} {}", cause.meaning()),
            None => said,
        }
    }

    fn ending(&self) -> String {
        let ends = self
            .ends
            .map(|ends| format!(" and ends at {}", instant(ends)));
        ends.unwrap_or_default()
    }

    /// The page of the console that mends it.
    pub fn page(&self) -> String {
        let of_configuration = |page: &str| match self.about.configuration {
            Some(id) => format!("/admin/users/scim-provisioning/{id}{page}"),
            None => ALERTS.to_owned(),
        };
        match (self.kind, self.cause) {
            (AlertKind::ConfigurationFailing, Some(AlertCause::NoLiveToken))
            | (AlertKind::TokenEnds | AlertKind::RetiringTokenUsed, _) => {
                of_configuration("/tokens")
            }
            (AlertKind::ConfigurationFailing, _) => of_configuration("/logs"),
            (AlertKind::ConfigurationSilent, _) => of_configuration(""),
            (AlertKind::ChangesHeld, _) => of_configuration("/held"),
            (AlertKind::RehearsalWaiting, _) => of_configuration("/rehearsal"),
            (AlertKind::DeliveriesFailing, _) => {
                format!("/admin/settings/streams/{}", self.about.id)
            }
            // No page mends these; that of the alerts says what to do.
            (
                AlertKind::CertificateEnds
                | AlertKind::DatabaseRefusesWrites
                | AlertKind::MailFailing,
                _,
            ) => ALERTS.to_owned(),
        }
    }

    /// What receivers of the feed are told of it.
    pub fn record(&self) -> Map<String, Value> {
        let said = json!({
            "id": self.id,
            "kind": self.kind.as_str(),
            "title": self.kind.title(),
            "message": self.message(),
            "advice": self.kind.advice(),
            "page": self.page(),
            "about": {
                "type": self.kind.thing(),
                "id": self.about.id,
                "name": self.about.name,
            },
            "cause": self.cause.map(AlertCause::as_str),
            "count": self.count,
            "endsAt": self.ends.map(instant),
            "since": instant(self.since),
            "overAt": self.over.map(instant),
        });
        match said {
            Value::Object(record) => record,
            _ => Map::new(),
        }
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The page that lists alerts.
const ALERTS: &str = "/admin/alerts";
