//! The company whose people are provisioned.

use serde_json::{Value, json};

/// A company.
pub(super) struct Company {
    pub(super) people: Vec<Person>,
    pub(super) groups: Vec<Group>,
}

/// Somebody who works there.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The number, from 0.
    pub(super) number: usize,
    given: &'static str,
    family: &'static str,
    pub(super) title: &'static str,
    pub(super) active: bool,
    /// The id that the server gave.
    pub(super) id: Option<String>,
}

/// A group, and the numbers of its members.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) members: Vec<usize>,
}

impl Company {
    /// A company of so many people; the same again for the same number.
    pub(super) fn new(people: u32) -> Self {
        let count = usize::try_from(people).unwrap_or(usize::MAX);
        let people = (0..count).map(|number| Person {
            number,
            given: pick(&GIVEN, number),
            family: pick(&FAMILY, number / GIVEN.len() + number),
            title: pick(&TITLES, number),
            active: true,
            id: None,
        });
        let groups = GROUPS.iter().zip(0..).map(|(name, at)| Group {
            name,
            members: (at..count).step_by(GROUPS.len()).collect(),
        });
        Self {
            people: people.collect(),
            groups: groups.collect(),
        }
    }
}

impl Person {
    /// The logon name.
    pub(super) fn user_name(&self) -> String {
        let name = format!("{}.{}.{}", self.given, self.family, self.number);
        format!("{}{DOMAIN}", name.to_lowercase())
    }

    /// What the identity provider calls the person.
    pub(super) fn external_id(&self) -> String {
        format!("demo-{}", self.number)
    }

    /// The SCIM user.
    pub(super) fn document(&self) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "externalId": self.external_id(),
            "userName": self.user_name(),
            "name": {"givenName": self.given, "familyName": self.family},
            "displayName": format!("{} {}", self.given, self.family),
            "title": self.title,
            "emails": [{"type": "work", "primary": true, "value": self.user_name()}],
            "active": self.active,
        })
    }

    /// Gets another title.
    pub(super) fn promote(&mut self) {
        self.title = PROMOTED;
    }
}

fn pick(words: &[&'static str], number: usize) -> &'static str {
    let at = number % words.len().max(1);
    words.get(at).copied().unwrap_or_default()
}

/// What every logon name of the demo ends with. RFC 2606 keeps it from being anybody's.
pub(super) const DOMAIN: &str = "@demo.example";
const PROMOTED: &str = "Team Lead";
const GIVEN: [&str; 12] = [
    "Ava", "Bilal", "Carla", "Dmitri", "Elif", "Farah", "Grace", "Hugo", "Ines", "Jun", "Kira",
    "Leon",
];
const FAMILY: [&str; 11] = [
    "Andersson",
    "Brandt",
    "Costa",
    "Demir",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ito",
    "Jensen",
    "Kowalski",
];
const TITLES: [&str; 5] = [
    "Analyst",
    "Engineer",
    "Consultant",
    "Accountant",
    "Designer",
];
const GROUPS: [&str; 3] = ["Demo Finance", "Demo Engineering", "Demo Support"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn everybody_has_a_logon_name_of_their_own_and_is_in_one_group() {
        let company = Company::new(500);
        let names: HashSet<String> = company.people.iter().map(Person::user_name).collect();
        assert_eq!(names.len(), 500);
        assert!(names.iter().all(|name| name.ends_with(DOMAIN)));
        let members: usize = company.groups.iter().map(|group| group.members.len()).sum();
        assert_eq!(members, 500);
    }
}
