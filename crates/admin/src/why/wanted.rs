//! Who is asked for, and who fits.

use chrono::{DateTime, Utc};
use scim_protocol::text::fold;
use scim_provisioning::ConfigurationId;
use scim_provisioning::directory::Status;
use scim_provisioning::words::{term_of, words_of};

/// Who is asked for: a name, a part of one that begins a word, an address, an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    text: String,
    term: String,
    words: Vec<String>,
}

impl Wanted {
    /// The longest text that is looked for, in characters.
    pub const LONGEST: usize = 200;

    /// What somebody wrote; `None` where that is nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().take(Self::LONGEST).collect();
        let term = term_of(&text);
        let mut words = words_of(&text);
        // The longest says most.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        (!term.is_empty()).then_some(Self { text, term, words })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As it is looked for.
    pub fn term(&self) -> &str {
        &self.term
    }

    /// Its words, the longest first; none where it is one word.
    pub fn words(&self) -> &[String] {
        match self.words.len() {
            0 | 1 => &[],
            _ => &self.words,
        }
    }
}

/// How well somebody fits, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// By the id.
    Id,
    /// By the logon name.
    Name,
    /// By `externalId`.
    ExternalId,
    /// By the e-mail address.
    Email,
    /// By the name that is shown.
    DisplayName,
    /// By a part of one of these, or a former one.
    Part,
}

/// A person here who fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPerson {
    /// The id.
    pub id: String,
    /// The logon name.
    pub user_name: String,
    /// `userName` as the identity provider has it.
    pub scim_user_name: Option<String>,
    /// The name that is shown.
    pub display_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the person may work.
    pub status: Status,
    /// Whether the account is protected.
    pub protected: bool,
    /// The configuration that manages the person.
    pub managed_by: Option<ConfigurationId>,
    /// `externalId`.
    pub external_id: Option<String>,
    /// When the identity provider deleted the person.
    pub left: Option<DateTime<Utc>>,
    /// When the person is deleted for good.
    pub purge: Option<DateTime<Utc>>,
    /// When the person was created.
    pub created: DateTime<Utc>,
}

impl FoundPerson {
    /// How well the person fits.
    pub fn rank(&self, wanted: &Wanted) -> Rank {
        let same = |value: &Option<String>| {
            let value = value.as_deref();
            value.is_some_and(|value| fold(value) == wanted.term)
        };
        if self.id == wanted.term {
            return Rank::Id;
        }
        if fold(&self.user_name) == wanted.term || same(&self.scim_user_name) {
            return Rank::Name;
        }
        if self.external_id.as_deref() == Some(&wanted.text) || same(&self.external_id) {
            return Rank::ExternalId;
        }
        match (same(&self.email), same(&self.display_name)) {
            (true, _) => Rank::Email,
            (false, true) => Rank::DisplayName,
            (false, false) => Rank::Part,
        }
    }

    /// Whether others come first who fit as well: whoever is archived or was deleted.
    pub(crate) fn is_past(&self) -> bool {
        self.status == Status::Archived || self.left.is_some()
    }

    /// Under which names the person's attempts are found.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = [Some(&self.user_name), self.scim_user_name.as_ref()];
        let mut names: Vec<String> = names.into_iter().flatten().map(|name| fold(name)).collect();
        names.dedup();
        names
    }

    /// What else names the person.
    pub(crate) fn terms(&self) -> Vec<String> {
        let terms = [self.email.as_ref(), self.external_id.as_ref()];
        let mut terms: Vec<String> = terms
            .into_iter()
            .flatten()
            .map(|text| term_of(text))
            .collect();
        terms.extend(self.names());
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

/// A name under which a user was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptName {
    /// `userName`, folded; `None` of an attempt that gave none that can be read.
    pub name: Option<String>,
    /// The id of the resource, where there was one.
    pub resource: Option<String>,
    /// An entry of it.
    pub event: i64,
    /// Whether a whole word fits, and not how one begins.
    pub whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_looked_for_whole_and_by_its_words() {
        let wanted = Wanted::parse("  Ada Lovelace ").unwrap();
        assert_eq!(wanted.term(), "ada lovelace");
        assert_eq!(wanted.words(), ["lovelace", "ada"]);
        assert_eq!(Wanted::parse(" \t "), None);
        assert!(
            Wanted::parse("ada@corp.example")
                .unwrap()
                .words()
                .is_empty()
        );
        let long = Wanted::parse(&"x".repeat(5_000)).unwrap();
        assert_eq!(long.term().len(), Wanted::LONGEST);
    }
}
