//! Alerts: what needs somebody. One is told when it begins, again when it becomes more urgent, and
//! when it is over.
//!
//! What is so is looked at again and again; `judge` decides from that what needs somebody, `changes`
//! what of it is news. A trigger of the store tells the feed of every alert that is told.

mod changes;
mod item;
mod judge;
mod kind;

pub(crate) use self::changes::{AlertWrite, changes};
pub use self::item::{Alert, AlertState, AlertThing, AlertsQuery};
pub(crate) use self::judge::{
    ConfigurationFacts, Facts, HISTORY_DAYS, StreamFacts, behind_since, failing_since,
};
pub use self::kind::{AlertCause, AlertKind};
