//! What explains how things stand with a person.

use chrono::{DateTime, Utc};
use scim_provisioning::{Cause, ConfigurationId, MendingPage};

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doer {
    /// The identity provider of a configuration.
    Configuration(String),
    /// An administrator.
    Administrator(String),
    /// Nobody who is known.
    Unknown,
}

/// What explains how things stand with a person.
///
/// Names of causes are stable: scripts read them. What a request was refused for has the name that
/// the log has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyCause {
    /// Several people fit, none better than the others.
    Several(usize),
    /// No identity provider asked for anybody of this name.
    NotAskedFor,
    /// An identity provider looked for them and found nobody, and created nobody.
    LookedUp {
        /// How often.
        times: i64,
    },
    /// What was asked for was refused.
    Refused(Cause),
    /// Nothing comes through: the configuration is disabled or paused, or its requests are refused
    /// before anybody looks at whom they are about.
    Closed(Cause),
    /// A link to a person created by hand waits for an administrator.
    LinkPending {
        /// The logon name of that person.
        person: String,
    },
    /// An administrator decided against the link to a person created by hand.
    LinkDismissed {
        /// The logon name of that person.
        person: String,
    },
    /// It is held that they leave, for what the log says.
    Held(Cause),
    /// It is held that they leave a group, for what the log says.
    HeldMember {
        /// Why.
        cause: Cause,
        /// The name of the group.
        group: String,
    },
    /// The account is protected.
    Protected,
    /// Another configuration manages the person.
    Elsewhere {
        /// Its name.
        configuration: String,
    },
    /// The person was created by hand, and no configuration manages them.
    ByHand,
    /// An administrator took the person out of a configuration's management.
    Unlinked(Doer),
    /// The person is blocked.
    Blocked(Doer),
    /// The person is archived.
    Archived(Doer),
    /// The identity provider deleted the person.
    Deleted {
        /// When they are deleted for good.
        purge: Option<DateTime<Utc>>,
    },
    /// The person was here and was deleted for good.
    Purged,
    /// A rule dropped a value.
    ValueDropped {
        /// What the rule said.
        text: String,
    },
    /// An administrator changed the person by hand.
    ChangedByHand(Doer),
    /// The person is here and fine.
    Fine,
}

impl WhyCause {
    /// The cause as scripts read it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Several(_) => "several",
            Self::NotAskedFor => "notAskedFor",
            Self::LookedUp { .. } => "lookedUp",
            Self::Refused(cause)
            | Self::Closed(cause)
            | Self::Held(cause)
            | Self::HeldMember { cause, .. } => cause.as_str(),
            Self::LinkPending { .. } => "link.pending",
            Self::LinkDismissed { .. } => "link.dismissed",
            Self::Protected => "protected",
            Self::Elsewhere { .. } => "managed.elsewhere",
            Self::ByHand => "createdByHand",
            Self::Unlinked(_) => "unlinked",
            Self::Blocked(_) => "blocked",
            Self::Archived(_) => "archived",
            Self::Deleted { .. } => "deleted",
            Self::Purged => "purged",
            Self::ValueDropped { .. } => "value.dropped",
            Self::ChangedByHand(_) => "changedByHand",
            Self::Fine => "fine",
        }
    }

    /// The name and the meaning of every cause that is none of the log's.
    pub const MEANINGS: [(&str, &str); 16] = [
        (
            "several",
            "Several people fit, none better than the others. Ask for one by logon name or e-mail \
             address.",
        ),
        (
            "notAskedFor",
            "No identity provider asked for anybody of this name. Look whether the user is in its \
             scope of provisioning.",
        ),
        (
            "lookedUp",
            "An identity provider looked for the user, found nobody, and did not create anybody. \
             Look at its own provisioning log.",
        ),
        (
            "link.pending",
            "A person created by hand has the name or address. Link the two, or decide not to.",
        ),
        (
            "link.dismissed",
            "An administrator decided not to link the user to the person created by hand who has \
             the name or address. Bring the link back if that was wrong.",
        ),
        (
            "protected",
            "The account is a tenant admin, whom no identity provider sees or changes.",
        ),
        (
            "managed.elsewhere",
            "Another configuration manages the person. Take the user out of the scope of one of \
             them.",
        ),
        (
            "createdByHand",
            "The person was created by hand, and no identity provider asked for them yet.",
        ),
        (
            "unlinked",
            "An administrator took the person out of the configuration's management.",
        ),
        ("blocked", "The person is blocked, by whom is said."),
        ("archived", "The person is archived, by whom is said."),
        (
            "deleted",
            "The identity provider deleted the person, who comes back when it creates the user \
             again.",
        ),
        (
            "purged",
            "The person was here and was deleted for good, as the policy says.",
        ),
        (
            "value.dropped",
            "A rule of the mapping dropped a value that does not fit its field; the rest was done.",
        ),
        (
            "changedByHand",
            "An administrator changed the person by hand after the identity provider's last \
             change.",
        ),
        ("fine", "The person is here, and nothing is wrong."),
    ];
}

/// What mends it: the one page where that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// A page of a configuration, or of the whole.
    Page(MendingPage, Option<ConfigurationId>),
    /// The page of a person.
    Person(String),
    /// An entry of the log, where the request can be carried out again.
    Entry(i64),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// One of each cause that is none of the log's.
    fn own() -> Vec<WhyCause> {
        let name = || "ava".to_owned();
        vec![
            WhyCause::Several(2),
            WhyCause::NotAskedFor,
            WhyCause::LookedUp { times: 1 },
            WhyCause::LinkPending { person: name() },
            WhyCause::LinkDismissed { person: name() },
            WhyCause::Protected,
            WhyCause::Elsewhere {
                configuration: name(),
            },
            WhyCause::ByHand,
            WhyCause::Unlinked(Doer::Unknown),
            WhyCause::Blocked(Doer::Unknown),
            WhyCause::Archived(Doer::Unknown),
            WhyCause::Deleted { purge: None },
            WhyCause::Purged,
            WhyCause::ValueDropped { text: name() },
            WhyCause::ChangedByHand(Doer::Unknown),
            WhyCause::Fine,
        ]
    }

    #[test]
    fn every_cause_has_a_name_of_its_own_and_the_page_says_what_it_is() {
        let names: Vec<_> = own().iter().map(WhyCause::as_str).collect();
        let known: Vec<_> = WhyCause::MEANINGS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, known);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| Cause::parse(name).is_none()));
        let page = include_str!("../../../../docs/why.md");
        for (name, meaning) in WhyCause::MEANINGS {
            let row = format!("| `{name}` | {meaning} |");
            assert!(page.contains(&row), "docs/why.md has no {row}");
        }
    }
}
