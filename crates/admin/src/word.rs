//! Words of a closed set, as they are read from what was stored by any version.

use std::fmt;

use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{Cause, ResourceKind, RunKind, Stage};

/// A closed set of words that the provisioning log is written in.
pub trait Vocabulary: Copy + PartialEq {
    /// The word as it is stored and shown.
    fn word(self) -> &'static str;

    /// What a stored word means.
    fn of_word(word: &str) -> Option<Self>;
}

macro_rules! vocabularies {
    ($($name:ident,)+) => { $(
        impl Vocabulary for $name {
            fn word(self) -> &'static str {
                self.as_str()
            }

            fn of_word(word: &str) -> Option<Self> {
                Self::parse(word)
            }
        }
    )+ };
}

vocabularies! { Action, Outcome, Cause, Stage, ResourceKind, RunKind, }

/// A word that was stored. History is read as it was written: what another version of the program
/// wrote, such as a newer one that runs beside this one, is shown as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<T> {
    /// One that this version knows.
    Known(T),
    /// One that it does not know.
    Other(String),
}

impl<T: Vocabulary> Word<T> {
    /// The word of a stored text.
    pub fn of(text: String) -> Self {
        T::of_word(&text).map_or(Self::Other(text), Self::Known)
    }

    /// The text as it is stored and shown.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.word(),
            Self::Other(text) => text,
        }
    }

    /// What it means; `None` for a word that this version does not know.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Other(_) => None,
        }
    }
}

impl<T: Vocabulary> fmt::Display for Word<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<T> From<T> for Word<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: PartialEq> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}
