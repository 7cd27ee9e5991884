//! Who shares a value with a new or changed user.

use std::collections::HashSet;

use scim_mapping::Field;

use super::rows::PersonRow;
use super::tables::Tables;
use crate::directory::{
    Relation, Scope, SharedValues, Sharer, Status, UserKeys, number_key, phone_key,
};
use crate::id::ResourceId;

impl Tables {
    /// Who shares one of the values: tenant admins first, then who has a name or the `externalId`,
    /// then who was created by hand and has an address.
    pub(super) fn sharers(
        &self,
        scope: Scope,
        keys: &UserKeys,
        except: Option<ResourceId>,
    ) -> Vec<Sharer> {
        let own = |row: &PersonRow| row.person.is_managed(scope) && row.person.left.is_none();
        let ways: [&dyn Fn(&PersonRow) -> bool; 5] = [
            &|row| row.person.protected,
            &|row| row.keys.user_name == keys.user_name,
            &|row| own(row) && row.keys.scim_user_name.as_ref() == Some(&keys.scim_user_name),
            &|row| {
                let id = keys.external_id.as_deref();
                id.is_some() && own(row) && row.person.external_id() == id
            },
            &|row| {
                let email = row.keys.email.as_ref();
                let shared = email.is_some_and(|email| keys.emails.contains(email));
                row.person.managed_by.is_none() && shared
            },
        ];
        let mut seen: HashSet<ResourceId> = except.into_iter().collect();
        let mut found = Vec::new();
        for way in ways {
            for row in self.all_people().filter(|row| holds(row) && way(row)) {
                if seen.insert(row.person.user.id) {
                    found.extend(sharer(row, scope, keys));
                }
            }
        }
        found
    }
}

/// Whoever holds values: archived people give theirs back once the identity provider let them go.
fn holds(row: &PersonRow) -> bool {
    let person = &row.person;
    person.user.status != Status::Archived || person.managed_by.is_some() && person.left.is_none()
}

/// `None` where nothing is shared after all.
fn sharer(row: &PersonRow, scope: Scope, keys: &UserKeys) -> Option<Sharer> {
    let shared = shared(row, keys);
    let none = SharedValues {
        external_id: shared.external_id.filter(|same| !same),
        ..SharedValues::default()
    };
    let user = &row.person.user;
    (shared != none).then(|| Sharer {
        id: user.id,
        name: row
            .person
            .text(&Field::UserName)
            .unwrap_or_default()
            .to_owned(),
        relation: relation(row, scope),
        status: user.status,
        shared,
    })
}

fn relation(row: &PersonRow, scope: Scope) -> Relation {
    let person = &row.person;
    match person.managed_by {
        _ if person.protected => Relation::Protected,
        Some(by) if by == scope.configuration() && person.left.is_none() => Relation::Own,
        Some(by) if by == scope.configuration() => Relation::Left,
        Some(_) => Relation::Foreign,
        None if person.role.is_some() || person.account => Relation::Privileged,
        None => Relation::ByHand,
    }
}

fn shared(row: &PersonRow, keys: &UserKeys) -> SharedValues {
    let person = &row.person;
    let meant = |key: &str| {
        key == keys.user_name
            || key == keys.scim_user_name
            || keys.emails.iter().any(|email| email == key)
    };
    let mut names = [Some(&row.keys.user_name), row.keys.email.as_ref()]
        .into_iter()
        .flatten();
    let numbers = [Field::ContactNo, Field::AltContactNo1, Field::AltContactNo2];
    let numbers = numbers.iter().filter_map(|field| person.text(field));
    let employee = person.text(&Field::EmployeeId).and_then(number_key);
    let email = row.keys.email.as_ref();
    SharedValues {
        user_name: row.keys.user_name == keys.user_name,
        scim_user_name: row.keys.scim_user_name.as_ref() == Some(&keys.scim_user_name),
        external_id: person
            .external_id()
            .map(|id| Some(id) == keys.external_id.as_deref()),
        email: email.is_some_and(|email| keys.emails.contains(email)),
        name_or_address: names.any(|key| meant(key)),
        former_address: person.protected && person.addresses().any(meant),
        recovery: numbers
            .filter_map(phone_key)
            .chain(employee)
            .any(|key| keys.recovery.contains(&key)),
    }
}
