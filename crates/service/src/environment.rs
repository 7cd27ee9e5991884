//! What the crate would else take from its surroundings.

use chrono::{DateTime, SubsecRound, Utc};

/// The clock, as a parameter: whoever tests a year need not wait for one.
pub trait Environment: Send + Sync {
    /// The time, in milliseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}
