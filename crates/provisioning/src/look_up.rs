//! What identity providers looked for and did not find: counted in memory, so that no read waits for
//! a write, and taken from here by whoever writes it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use scim_protocol::filter::{Condition, Operator, Target, Test};
use scim_protocol::text::storable;

use crate::id::ConfigurationId;

/// By what an identity provider looks for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SoughtBy {
    /// `userName`.
    UserName,
    /// `externalId`.
    ExternalId,
    /// An e-mail address.
    Email,
    /// The id.
    Id,
}

impl SoughtBy {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::UserName, Self::ExternalId, Self::Email, Self::Id];

    /// The attribute as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::Email => "emails.value",
            Self::Id => "id",
        }
    }

    /// The one of an attribute.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

/// Look-ups of one value that found nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// By whom.
    pub configuration: ConfigurationId,
    /// By what.
    pub by: SoughtBy,
    /// The value, folded unless its attribute tells cases apart.
    pub value: String,
    /// The first one.
    pub first: DateTime<Utc>,
    /// The last one.
    pub last: DateTime<Utc>,
    /// How many.
    pub times: i64,
}

/// Look-ups that are not written yet. A value beyond [`LookUps::MOST`] is not kept.
#[derive(Debug, Default)]
pub(crate) struct LookUps(Mutex<HashMap<Key, LookUp>>);

type Key = (ConfigurationId, SoughtBy, String);

impl LookUps {
    /// How many values wait at most.
    pub(crate) const MOST: usize = 10_000;

    /// Notes that somebody was looked for, and that nobody was found.
    pub(crate) fn note(
        &self,
        configuration: ConfigurationId,
        by: SoughtBy,
        value: &str,
        at: DateTime<Utc>,
    ) {
        if value.is_empty() || value.chars().count() > LONGEST || !storable(value) {
            return;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = waiting.len() >= Self::MOST;
        match waiting.entry((configuration, by, value.to_owned())) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.last = known.last.max(at);
                known.times = known.times.saturating_add(1);
            }
            Entry::Vacant(_) if full => {}
            Entry::Vacant(place) => {
                place.insert(LookUp {
                    configuration,
                    by,
                    value: value.to_owned(),
                    first: at,
                    last: at,
                    times: 1,
                });
            }
        }
    }

    /// What was noted since this was asked last.
    pub(crate) fn take(&self) -> Vec<LookUp> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting).into_values().collect()
    }
}

/// Whom a condition looks for, where it asks for one person by one value.
pub(crate) fn sought(condition: &Condition) -> Option<(SoughtBy, &str)> {
    match condition {
        Condition::Value { target, test } => sought_by(target, test),
        Condition::Some { target, condition } if &*target.attribute == "emails" => {
            sought(condition)
        }
        Condition::All(parts) => parts.iter().find_map(sought),
        _ => None,
    }
}

fn sought_by<'c>(target: &Target, test: &'c Test) -> Option<(SoughtBy, &'c str)> {
    let Test::Text {
        operator: Operator::Equal,
        value,
        ..
    } = test
    else {
        return None;
    };
    let sub = target.sub_attribute.as_deref();
    let by = match (&*target.attribute, sub) {
        _ if target.extension.is_some() => return None,
        ("userName", None) => SoughtBy::UserName,
        ("externalId", None) => SoughtBy::ExternalId,
        ("id", None) => SoughtBy::Id,
        ("emails", Some("value")) => SoughtBy::Email,
        _ => return None,
    };
    Some((by, value))
}

/// The longest value that is kept, in characters.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use scim_protocol::{Filter, ResourceDefinition, Tolerance};

    use super::*;

    fn looks_for(filter: &str) -> Option<(SoughtBy, String)> {
        let filter: Filter = filter.parse().unwrap();
        let users = ResourceDefinition::user();
        let condition = filter.bind(&users, &mut Tolerance::default()).unwrap();
        sought(&condition).map(|(by, value)| (by, value.to_owned()))
    }

    #[test]
    fn a_filter_for_one_person_says_who_is_sought() {
        for (filter, by, value) in [
            (r#"userName eq "Ava""#, SoughtBy::UserName, "ava"),
            (r#"externalId eq "Ext-1""#, SoughtBy::ExternalId, "Ext-1"),
            (r#"emails eq "a@x""#, SoughtBy::Email, "a@x"),
            (
                r#"emails[type eq "work" and value eq "a@x"]"#,
                SoughtBy::Email,
                "a@x",
            ),
            (
                r#"active eq true and userName eq "ava""#,
                SoughtBy::UserName,
                "ava",
            ),
        ] {
            let found = looks_for(filter).unwrap();
            assert_eq!(found, (by, value.to_owned()), "{filter}");
        }
        for filter in [
            r#"userName sw "a""#,
            r#"userName eq "a" or userName eq "b""#,
            r#"not (userName eq "a")"#,
            r#"title eq "a""#,
        ] {
            assert_eq!(looks_for(filter), None, "{filter}");
        }
    }

    #[test]
    fn look_ups_of_one_value_are_counted_and_bounded() {
        let look_ups = LookUps::default();
        let id = ConfigurationId::new();
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        look_ups.note(id, SoughtBy::UserName, "ava", at(1));
        look_ups.note(id, SoughtBy::UserName, "ava", at(3));
        look_ups.note(id, SoughtBy::UserName, &"x".repeat(LONGEST + 1), at(3));
        let taken = look_ups.take();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].first, taken[0].last), (at(1), at(3)));
        assert_eq!(taken[0].times, 2);
        for number in 0..LookUps::MOST + 5 {
            look_ups.note(id, SoughtBy::Id, &number.to_string(), at(4));
        }
        look_ups.note(id, SoughtBy::Id, "0", at(5));
        let taken = look_ups.take();
        assert_eq!(taken.len(), LookUps::MOST);
        let first = taken.iter().find(|one| one.value == "0").unwrap();
        assert_eq!(first.times, 2, "what is there already is counted on");
        assert!(look_ups.take().is_empty());
    }
}
