//! Why a person is as they are: not there, held, blocked, refused, or fine.
//!
//! Whoever asks says any name, address or id. What is known of that person is read
//! ([`Facts`]), and one rule decides which of it explains how things stand now
//! (`explain`): a cause of a closed type. Sentences and what mends it are made
//! of that.

mod cause;
mod explain;
mod facts;
mod field;
mod sentence;
mod timeline;
mod wanted;

pub use self::cause::{Doer, Mend, WhyCause};
pub use self::facts::{DoorRefusal, Facts, Setting};
pub use self::field::{FieldAnswer, FieldOrigin};
pub use self::timeline::Moment;
pub use self::wanted::{AttemptName, FoundPerson, Rank, Wanted};

pub(crate) use self::explain::{Explanation, explain};
pub(crate) use self::field::origin;
pub(crate) use self::sentence::sentence;
pub(crate) use self::timeline::timeline;

/// An answer to why somebody is as they are.
#[derive(Debug, Clone)]
pub struct WhyAnswer {
    /// Who was asked for.
    pub who: String,
    /// Everybody who fits, the best first: people here, and names that were asked for or looked for.
    pub found: Vec<Found>,
    /// What explains how things stand now.
    pub cause: WhyCause,
    /// The cause in a sentence.
    pub sentence: String,
    /// What mends it.
    pub mend: Option<Mend>,
    /// Where a field of the person has its value from, where one was asked for.
    pub field: Option<FieldAnswer>,
    /// What happened, the newest first.
    pub timeline: Vec<Moment>,
}

/// Somebody who fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A person here.
    Person(Box<FoundPerson>),
    /// Somebody who is not here, under a name that was asked for.
    Attempt(String),
    /// A value that was looked for and not found.
    LookUp(String),
}
