//! What is asked of the store about why a person is as they are.

use chrono::{DateTime, Utc};
use scim_provisioning::{ConfigurationId, LookUp, StoreError};

use crate::event::{AuditEntry, LoggedEvent};
use crate::policy::{HeldMember, HeldUser, LinkRequest};
use crate::why::{AttemptName, FoundPerson, Wanted};

/// Whose entries of the log are read.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The id of the person, or of one who is gone.
    pub id: Option<String>,
    /// The names of users, as somebody writes them.
    pub names: Vec<String>,
    /// Words by which an attempt is found.
    pub terms: Vec<String>,
}

/// Finding people, attempts and what was looked for.
pub trait ReadWhy {
    /// The people who have what is wanted as their id, or among the words of their names or
    /// addresses, or one that begins so, at most so many; whole words first.
    ///
    /// # Errors
    /// A fault of the store.
    fn people_named(&mut self, wanted: &Wanted, limit: i64)
    -> Result<Vec<FoundPerson>, StoreError>;

    /// Under which names users were asked for that are wanted, at most so many.
    ///
    /// # Errors
    /// A fault of the store.
    fn attempts_named(
        &mut self,
        wanted: &Wanted,
        limit: i64,
    ) -> Result<Vec<AttemptName>, StoreError>;

    /// The entries of the log about somebody, the newest first, at most so many of each way in which
    /// they are found.
    ///
    /// # Errors
    /// A fault of the store.
    fn entries_about(&mut self, about: &About, limit: i64) -> Result<Vec<LoggedEvent>, StoreError>;

    /// What was looked for and not found: one of some values, or one that begins with a text.
    ///
    /// # Errors
    /// A fault of the store.
    fn look_ups(
        &mut self,
        values: &[String],
        beginning: Option<&str>,
        limit: i64,
    ) -> Result<Vec<LookUp>, StoreError>;

    /// The entries of the audit about objects of these names, the newest first.
    ///
    /// # Errors
    /// A fault of the store.
    fn audit_about(
        &mut self,
        objects: &[String],
        limit: i64,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError>;

    /// The links to a person, or of a user who waits under a name, the newest first; also those that
    /// were dismissed.
    ///
    /// # Errors
    /// A fault of the store.
    fn links_about(
        &mut self,
        person: Option<&str>,
        names: &[String],
    ) -> Result<Vec<(ConfigurationId, LinkRequest)>, StoreError>;

    /// What the guard holds of a person.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_of(&mut self, person: &str) -> Result<Option<(ConfigurationId, HeldUser)>, StoreError>;

    /// The memberships of a person that the guard holds, the newest first, at most so many.
    ///
    /// # Errors
    /// A fault of the store.
    fn held_memberships_of(
        &mut self,
        person: &str,
        limit: i64,
    ) -> Result<Vec<(ConfigurationId, HeldMember)>, StoreError>;
}

/// What time brings to it.
pub trait KeepWhy {
    /// Adds to what was looked for and not found.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_look_ups(&mut self, look_ups: &[LookUp]) -> Result<(), StoreError>;

    /// Forgets look-ups from before a time, and of every configuration the oldest beyond so many, at
    /// most `limit` of each; answers how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_look_ups(
        &mut self,
        before: DateTime<Utc>,
        most: i64,
        limit: i64,
    ) -> Result<usize, StoreError>;

    /// Keeps by which words the next people are found who were there before words were kept;
    /// answers whether there may be more of them.
    ///
    /// # Errors
    /// A fault of the store.
    fn fill_terms(&mut self, limit: i64) -> Result<bool, StoreError>;
}
