//! The directory that a run provisions: as it is in the first cycle, and as it is in the second.

use std::collections::BTreeSet;

use crate::model::{Address, Directory, Email, Group, User};
use crate::names::{DEPARTMENTS, FAMILY, GIVEN, LANGUAGES, Name, PLACES, TITLES, TOPICS};
use crate::random::{Purpose, Random};

/// How much to make, and from what.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    /// Where the data comes from.
    pub(crate) seed: u64,
    /// How many users there are at first.
    pub(crate) users: usize,
    /// How many groups there are at first.
    pub(crate) groups: usize,
    /// What every user name and group name begins with.
    pub(crate) prefix: String,
}

/// What the dialect decides about the directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// Whether users are ever deleted; else they are only deactivated.
    pub(crate) deletes_users: bool,
    /// Makes the key of a user.
    pub(crate) user_key: fn(u128) -> String,
    /// Makes the key of a group, if groups have one.
    pub(crate) group_key: fn(u128) -> Option<String>,
}

/// The two states of the directory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// What the first cycle provisions.
    pub(crate) first: Directory,
    /// What the second cycle provisions.
    pub(crate) second: Directory,
}

/// Makes the directory and what it becomes.
pub(crate) fn plan(scale: &Scale, habits: &Habits) -> Plan {
    let maker = Maker { scale, habits };
    let first = Directory {
        users: (0..scale.users).map(|i| Some(maker.user(i))).collect(),
        groups: (0..scale.groups).map(|i| Some(maker.group(i))).collect(),
    };
    let second = maker.second(&first);
    Plan { first, second }
}

struct Maker<'a> {
    scale: &'a Scale,
    habits: &'a Habits,
}

impl Maker<'_> {
    /// Directories of different prefixes share nothing, so that one server can hold both.
    fn random(&self, purpose: Purpose, number: usize) -> Random {
        let seed = self
            .scale
            .prefix
            .bytes()
            .fold(self.scale.seed, |seed, byte| {
                (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            });
        Random::new(seed, purpose, number)
    }

    fn user(&self, number: usize) -> User {
        let mut random = self.random(Purpose::User, number);
        let given: Name = random.pick(GIVEN);
        let family: Name = random.pick(FAMILY);
        let (department, cost_center) = random.pick(DEPARTMENTS);
        User {
            external_id: (self.habits.user_key)(random.wide()),
            user_name: self.user_name(given.1, family.1, number),
            active: !random.chance(40),
            given_name: given.0.to_owned(),
            family_name: family.0.to_owned(),
            title: random.pick(TITLES).to_owned(),
            language: random.pick(LANGUAGES).to_owned(),
            email: (!random.chance(30)).then(|| Email {
                value: self.address(given.1, family.1, number),
                primary: true,
            }),
            work_phone: random
                .chance(700)
                .then(|| format!("+49 30 5550 {:05}", random.below(100_000))),
            mobile: random.chance(500).then(|| mobile_number(&mut random)),
            address: random.chance(600).then(|| place(&mut random)),
            employee_number: format!("{:06}", 100_000 + number),
            department: department.to_owned(),
            cost_center: cost_center.to_owned(),
            manager: number.checked_sub(1).map(|below| below / REPORTS),
        }
    }

    fn user_name(&self, given: &str, family: &str, number: usize) -> String {
        let prefix = &self.scale.prefix;
        format!("{prefix}.{given}.{family}.{number}@corp.example")
    }

    fn address(&self, given: &str, family: &str, number: usize) -> String {
        let prefix = &self.scale.prefix;
        format!("{given}.{family}.{number}@{prefix}.mail.example")
    }

    fn group(&self, number: usize) -> Group {
        let mut random = self.random(Purpose::Group, number);
        let users = self.scale.users;
        let size = match number {
            0 => users.min(LARGEST),
            1 => (users / 3).min(LARGEST),
            n if n % 17 == 4 => 0,
            n if n % 10 == 7 => (users / 5).min(LARGEST),
            _ => (1 + random.below(24)).min(users),
        };
        Group {
            external_id: (self.habits.group_key)(random.wide()),
            display_name: self.group_name("", number),
            members: sample(&mut random, users, size),
        }
    }

    fn group_name(&self, addition: &str, number: usize) -> String {
        let topic = TOPICS.get(number % TOPICS.len()).copied().unwrap_or("");
        format!("{} {topic}{addition} {number}", self.scale.prefix)
    }

    fn second(&self, first: &Directory) -> Directory {
        let joiners = joiners(self.scale.users);
        let managers = self.scale.users.div_ceil(REPORTS).max(1);
        let mut users: Vec<Option<User>> = first
            .users
            .iter()
            .enumerate()
            .map(|(number, user)| self.changed_user(number, user.clone()?, managers))
            .collect();
        users.extend(
            (self.scale.users..self.scale.users + joiners).map(|number| {
                let mut user = self.user(number);
                user.manager = Some(number % managers);
                Some(user)
            }),
        );
        let groups = first
            .groups
            .iter()
            .enumerate()
            .map(|(number, group)| self.changed_group(number, group.clone()?, &users))
            .collect();
        Directory { users, groups }
    }

    /// The user in the second cycle; nothing when it is deleted.
    fn changed_user(&self, number: usize, mut user: User, managers: usize) -> Option<User> {
        let mut random = self.random(Purpose::UserChange, number);
        match self.fate(number, random.below(1000), managers) {
            Fate::Deleted if self.habits.deletes_users => return None,
            Fate::Deleted | Fate::Deactivated => user.active = false,
            Fate::Changed => self.change(&mut user, number, managers, &mut random),
            Fate::Unchanged => {}
            Fate::Restored => user.active = true,
        }
        Some(user)
    }

    fn fate(&self, number: usize, roll: usize, managers: usize) -> Fate {
        let last = self.scale.users - 1;
        match roll {
            // A population of some size has one of each, whatever the seed.
            _ if last >= 9 && number == last => Fate::Deleted,
            _ if last >= 9 && number == last - 1 => Fate::Deactivated,
            0..10 if number >= managers => Fate::Deleted,
            0..50 => Fate::Deactivated,
            50..400 => Fate::Changed,
            400..600 => Fate::Restored,
            _ => Fate::Unchanged,
        }
    }

    fn change(&self, user: &mut User, number: usize, managers: usize, random: &mut Random) {
        if random.chance(400) {
            user.title = random.pick(TITLES).to_owned();
        }
        if random.chance(300) {
            let (department, cost_center) = random.pick(DEPARTMENTS);
            user.department = department.to_owned();
            user.cost_center = cost_center.to_owned();
            // The new manager has a lower number, so that nobody ends up above themselves.
            user.manager = number
                .checked_sub(1)
                .map(|below| random.below(managers.min(below + 1)));
        }
        if random.chance(200) {
            let family: Name = random.pick(FAMILY);
            family.0.clone_into(&mut user.family_name);
            user.user_name = self.user_name("n", family.1, number);
        }
        if random.chance(200) || user.email.is_none() {
            // An address that is added alone goes out without `primary`.
            let primary = user.email.as_ref().is_some_and(|email| email.primary);
            let value = self.address("new", "address", number);
            user.email = Some(Email { value, primary });
        }
        if random.chance(300) {
            user.mobile = Some(mobile_number(random));
        }
        if random.chance(100) {
            user.work_phone = None;
        }
        if random.chance(100) {
            user.address = Some(place(random));
        }
    }

    /// The group in the second cycle; nothing when it is deleted.
    fn changed_group(
        &self,
        number: usize,
        mut group: Group,
        users: &[Option<User>],
    ) -> Option<Group> {
        if self.scale.groups >= 3 && number == self.scale.groups - 1 {
            return None;
        }
        if number % 10 == 1 {
            group.display_name = self.group_name(" (renamed)", number);
        }
        let mut random = self.random(Purpose::GroupChange, number);
        group.members.retain(|member| {
            let stays = !random.chance(80);
            stays && users.get(*member).is_some_and(Option::is_some)
        });
        for member in self.scale.users..users.len() {
            if number == 0 || random.chance(100) {
                group.members.insert(member);
            }
        }
        for _ in 0..random.below(4) {
            let member = random.below(users.len());
            if users.get(member).is_some_and(Option::is_some) {
                group.members.insert(member);
            }
        }
        Some(group)
    }
}

/// What becomes of a user.
enum Fate {
    Deleted,
    Deactivated,
    Changed,
    Restored,
    Unchanged,
}

/// How many users join after the first cycle: 5 %, and at least one.
fn joiners(users: usize) -> usize {
    users.div_ceil(20)
}

fn mobile_number(random: &mut Random) -> String {
    format!("+44 7700 9{:05}", random.below(100_000))
}

fn place(random: &mut Random) -> Address {
    let (street, postal_code, locality, country) = random.pick(PLACES);
    Address {
        street: street.to_owned(),
        postal_code: postal_code.to_owned(),
        locality: locality.to_owned(),
        country: country.to_owned(),
    }
}

fn sample(random: &mut Random, from: usize, size: usize) -> BTreeSet<usize> {
    if size >= from {
        return (0..from).collect();
    }
    let mut chosen = BTreeSet::new();
    while chosen.len() < size {
        chosen.insert(random.below(from));
    }
    chosen
}

/// How many users report to one manager.
const REPORTS: usize = 8;
/// The most members that a group is given.
const LARGEST: usize = 10_000;

#[cfg(test)]
mod tests;
