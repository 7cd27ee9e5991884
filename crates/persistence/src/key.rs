//! What indexes hold.

use scim_protocol::text::{fold, fold_name};

use crate::sql::Bind;

/// A text as an index holds it: folded, and bounded in bytes, since PostgreSQL refuses a row whose
/// indexed columns are too long together.
///
/// What is longer is cut, and told apart by a hash of the whole behind it: equal texts have equal
/// keys and no others, and a key begins as its text does for [`Key::PREFIX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// The longest key. Three of them, an id and what an index adds stay below the 2,704 bytes of
    /// a row in an index of PostgreSQL.
    pub(crate) const BYTES: usize = 800;
    /// How many bytes of a longer text are kept.
    pub(crate) const PREFIX: usize = 720;

    /// The key of a text as people write it.
    pub(crate) fn of(text: &str) -> Self {
        Self::of_folded(&fold(text))
    }

    /// The key of a name, of which white space at either end is no part.
    pub(crate) fn of_name(name: &str) -> Self {
        Self::of_folded(&fold_name(name))
    }

    /// The key of a text that is folded already.
    pub(crate) fn of_folded(folded: &str) -> Self {
        if folded.len() <= Self::BYTES {
            return Self(folded.to_owned());
        }
        let hash = ring::digest::digest(&ring::digest::SHA256, folded.as_bytes());
        let mut key = prefix(folded).to_owned();
        for byte in hash.as_ref() {
            key.push_str(&format!("{byte:02x}"));
        }
        Self(key)
    }

    /// What every key begins with whose text begins with this one.
    pub(crate) fn beginning(folded: &str) -> &str {
        prefix(folded)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The digits of the hash behind a key that was cut.
pub(crate) const HASH: usize = 64;

fn prefix(text: &str) -> &str {
    let end = text.floor_char_boundary(Key::PREFIX);
    text.get(..end).unwrap_or(text)
}

impl From<Key> for Bind {
    fn from(key: Key) -> Self {
        key.0.into()
    }
}

impl From<&Key> for Bind {
    fn from(key: &Key) -> Self {
        key.0.as_str().into()
    }
}

impl From<Option<Key>> for Bind {
    fn from(key: Option<Key>) -> Self {
        key.map(|key| key.0).into()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Key;

    fn a_key_is_bounded_in_bytes_and_as_unique_as_its_text() {
        let long = "\u{10348}".repeat(5_000);
        let other = format!("{long}x");
        let (key, another) = (Key::of(&long), Key::of(&other));
        assert!(key.as_str().len() <= Key::BYTES);
        assert_ne!(key, another);
        assert_eq!(key, Key::of_folded(&long));
        assert!(key.as_str().starts_with(Key::beginning(&other)));
        assert_eq!(Key::of("Ada").as_str(), "ada");
        assert_eq!(Key::of_name("\u{a0}Ada ").as_str(), "ada");
        let within = format!(" {} ", "x".repeat(Key::BYTES));
        assert_eq!(Key::of_name(&within).as_str(), within.trim());
        let just = "x".repeat(Key::BYTES);
        assert_eq!(Key::of(&just).as_str(), just);
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: a_key_is_bounded_in_bytes_and_as_unique_as_its_text;
        }
    }
}
