//! The directory as it is, row by row.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::topic::Subject;

/// The place of a row in a snapshot: subjects in their order, and rows of one in order of id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotKey {
    /// What the row is.
    pub subject: Subject,
    /// The id of the row.
    pub id: String,
}

impl SnapshotKey {
    /// The key that a text spells. No row has a NUL in its id, and PostgreSQL takes none in a text.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('\0') {
            return None;
        }
        let (subject, id) = text.split_once(':')?;
        Some(Self {
            subject: Subject::parse(subject)?,
            id: id.to_owned(),
        })
    }
}

impl fmt::Display for SnapshotKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.subject.as_str(), self.id)
    }
}

/// A row of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SnapshotRow {
    /// What it is.
    #[serde(rename = "type")]
    pub subject: Subject,
    /// Its id.
    pub id: String,
    /// The version of a person or a group.
    pub version: Option<i64>,
    /// The whole record.
    pub record: Map<String, Value>,
}

impl SnapshotRow {
    /// Its place in the snapshot.
    pub fn key(&self) -> SnapshotKey {
        SnapshotKey {
            subject: self.subject,
            id: self.id.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_parsed_from_what_it_is_shown_as() {
        for text in ["user:0192", "membership:a/b", "grant:user/a/roles/x:y"] {
            assert_eq!(SnapshotKey::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(SnapshotKey::parse("tenant:a"), None);
        assert_eq!(SnapshotKey::parse("user"), None);
        assert_eq!(SnapshotKey::parse("user:\0"), None);
    }
}
