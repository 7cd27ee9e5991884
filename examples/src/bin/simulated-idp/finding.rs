//! Something that is not as it should be.

use std::fmt;

use serde_json::{Value, json};

use crate::client::CallError;

/// One difference between the two sides, or one request that was refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// The resource.
    pub(crate) subject: String,
    /// The attribute path, or what was attempted.
    pub(crate) what: String,
    /// What should be there.
    pub(crate) expected: String,
    /// What is there.
    pub(crate) found: String,
}

impl Finding {
    /// A difference in the value of an attribute; nothing stands for "not there".
    pub(crate) fn value(
        subject: &str,
        path: &str,
        expected: Option<&Value>,
        found: Option<&Value>,
    ) -> Self {
        let shown = |value: Option<&Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        Self::new(subject, path, &shown(expected), &shown(found))
    }

    /// Any other difference.
    pub(crate) fn new(subject: &str, what: &str, expected: &str, found: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }

    /// A request that failed.
    pub(crate) fn refused(subject: &str, error: &CallError) -> Self {
        Self::new(subject, "request", "success", &error.to_string())
    }

    /// The finding as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "subject": self.subject,
            "what": self.what,
            "expected": self.expected,
            "found": self.found,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            what,
            expected,
            found,
        } = self;
        write!(f, "{subject}, {what}: expected {expected}, found {found}")
    }
}
