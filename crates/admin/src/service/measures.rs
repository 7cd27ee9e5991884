//! What whoever watches the server is told of it.

use chrono::{DateTime, Duration, Utc};
use scim_feed::{Position, StreamState};
use scim_provisioning::ConfigurationId;

use super::AdminService;
use crate::alert::AlertKind;
use crate::error::AdminError;
use crate::store::AdminStoreExt;

/// What waits, ends and lags behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// Of each configuration, in order of name.
    pub configurations: Vec<ConfigurationMeasures>,
    /// Of each stream, in order of name.
    pub streams: Vec<StreamMeasures>,
    /// How many alerts are open of each kind.
    pub alerts: Vec<(AlertKind, usize)>,
}

/// What waits and ends of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationMeasures {
    /// Its id.
    pub id: ConfigurationId,
    /// Changes that a guard holds.
    pub held: i64,
    /// People who wait to be linked.
    pub links: i64,
    /// Live tokens.
    pub live: usize,
    /// Those of them that end soon.
    pub ending: usize,
}

/// How far behind the receiver of a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamMeasures {
    /// Its name.
    pub name: String,
    /// How far the feed is ahead.
    pub lag: Position,
    /// Whether it was away for too long.
    pub broken: bool,
}

impl AdminService {
    /// What waits, ends and lags behind: of so many configurations and streams at most, while the
    /// feed is at a position. Tokens end soon that end within two weeks.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn measures(
        &self,
        most: usize,
        head: Position,
        now: DateTime<Utc>,
    ) -> Result<Measures, AdminError> {
        let soon = now + Duration::days(SOON_DAYS);
        let refused = self.writes_refused_since(now).is_some();
        self.store.read(|rows| {
            let mut measures = Measures::default();
            for configuration in rows.configurations()?.into_iter().take(most) {
                let counts = rows.managed_counts(configuration.id)?;
                let mut tokens = rows.tokens(configuration.id)?;
                tokens.retain(|token| token.is_live(now));
                let ends = |token: &&crate::AccessToken| token.ends().is_some_and(|end| end < soon);
                measures.configurations.push(ConfigurationMeasures {
                    id: configuration.id,
                    held: counts.held,
                    links: counts.links,
                    live: tokens.len(),
                    ending: tokens.iter().filter(ends).count(),
                });
            }
            let open = rows.open_alerts()?;
            measures.alerts = AlertKind::ALL
                .iter()
                .map(|kind| {
                    let count = open.iter().filter(|alert| alert.kind == *kind).count();
                    let more = refused && *kind == AlertKind::DatabaseRefusesWrites;
                    (*kind, count + usize::from(more))
                })
                .collect();
            let streams = rows.streams()?.into_iter().take(most);
            measures.streams = streams
                .map(|stream| StreamMeasures {
                    lag: (head - stream.position).max(0),
                    broken: stream.state == StreamState::Broken,
                    name: stream.name,
                })
                .collect();
            Ok(measures)
        })
    }
}

/// Within how many days a token ends soon.
const SOON_DAYS: i64 = 14;
