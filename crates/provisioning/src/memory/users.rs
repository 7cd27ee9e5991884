//! What is written of users.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_mapping::{Field, FieldValue};
use scim_protocol::Version;
use scim_protocol::text::fold_name;

use super::managers::ManagerKeys;
use super::rows::{HeldChange, Person};
use super::tables::Tables;
use crate::directory::{Departure, HeldAction, Scope, Status, StoreError, StoredUser, UserWrite};
use crate::id::ResourceId;

impl Tables {
    /// A user as a configuration sees it: with the manager, if that is somebody in its sight.
    pub(super) fn stored_user(&self, scope: Scope, person: &Person) -> StoredUser {
        let manager = person.user.manager;
        StoredUser {
            manager: manager.filter(|id| self.seen_person(scope, *id).is_some()),
            ..person.user.clone()
        }
    }

    /// A user in scope.
    pub(super) fn user(&self, scope: Scope, id: ResourceId) -> Option<StoredUser> {
        let row = self.seen_person(scope, id)?;
        Some(self.stored_user(scope, &row.person))
    }

    pub(super) fn insert_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut person = Person::by_hand(id, "", None, now);
        person.managed_by = Some(scope.configuration());
        person.write(user, now);
        self.put_person(person)?;
        let manager = self.named_manager(scope, manager_of(user), None);
        self.change_person(id, |person| person.user.manager = manager)?;
        self.link_reports(scope, id, &ManagerKeys::of(id, user))
    }

    pub(super) fn update_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        let seen = self.seen_person(scope, id);
        let before = seen.filter(|row| row.person.user.version == expected);
        let before = before.ok_or(StoreError::Stale)?;
        let alike = is_named_alike(&before.person, user);
        self.write_over(scope, id, user, now, |_person| {})?;
        let keys = ManagerKeys::of(id, user);
        if !alike || self.is_waited_for(scope, &keys) {
            self.link_reports(scope, id, &keys)?;
        }
        Ok(Version(expected.0 + 1))
    }

    /// Puts a person created by hand under the configuration's management, or takes up again one who
    /// left it.
    pub(super) fn take_over(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        let own = Some(scope.configuration());
        // Nobody who may sign in to the console, or was given an administrative role.
        let open = |person: &Person| {
            let by_hand = person.managed_by.is_none() && !person.account;
            let came_back = person.left.is_some() && person.managed_by == own;
            let archived = person.user.status == Status::Archived;
            !person.protected && !archived && person.role.is_none() && (by_hand || came_back)
        };
        if !self.person(id).is_some_and(|row| open(&row.person)) {
            return Err(StoreError::Stale);
        }
        let version = self.write_over(scope, id, user, now, |person| {
            person.managed_by = own;
            (person.left, person.purge) = (None, None);
        })?;
        self.touch_groups_of(scope, id, now)?;
        self.join_awaiting(scope, id, now)?;
        self.link_reports(scope, id, &ManagerKeys::of(id, user))?;
        Ok(version)
    }

    /// Writes a user over the one that is there, and counts the version up.
    fn write_over(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Person),
    ) -> Result<Version, StoreError> {
        let row = self.person(id).ok_or(StoreError::Stale)?;
        let named = manager_of(user);
        // Whoever was found under the same name stays.
        let same = named.is_some() && named.map(fold_name) == row.keys.manager;
        let before = row.person.user.manager.filter(|_| same);
        let version = Version(row.person.user.version.0 + 1);
        let manager = self.named_manager(scope, named, before);
        self.change_person(id, |person| {
            person.write(user, now);
            person.user.manager = manager;
            person.user.version = version;
            change(person);
        })?;
        Ok(version)
    }

    pub(super) fn release_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        departure: &Departure,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if self.seen_person(scope, id).is_none() {
            return Err(StoreError::Stale);
        }
        self.change_person(id, |person| {
            person.left = Some(now);
            person.user.last_modified = now;
            person.user.version = Version(person.user.version.0 + 1);
        })?;
        self.touch_groups_of(scope, id, now)?;
        if departure.held {
            return Ok(());
        }
        self.change_person(id, |person| {
            person.user.status = departure.status;
            person.purge = departure.purge;
        })?;
        let own = Some(scope.configuration());
        let left: Vec<_> = self
            .members
            .keys()
            .filter(|(group, member)| {
                let group = self.group(*group);
                *member == id && group.is_some_and(|row| row.group.managed_by == own)
            })
            .copied()
            .collect();
        let members = Arc::make_mut(&mut self.members);
        for membership in left {
            members.remove(&membership);
        }
        Ok(())
    }

    /// How many users a configuration had at a time: those whom it sees, and who left since.
    pub(super) fn users_at(&self, scope: Scope, at: DateTime<Utc>) -> u64 {
        let counted = self.all_people().filter(|row| {
            let person = &row.person;
            let since = person.left.is_some_and(|left| left >= at);
            person.is_seen(scope) || person.is_gone(scope) && since
        });
        u64::try_from(counted.count()).unwrap_or(u64::MAX)
    }

    /// Holds a change of a user's status; one that is held already is replaced.
    pub(super) fn hold(
        &mut self,
        scope: Scope,
        id: ResourceId,
        action: HeldAction,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.withdraw(id)?;
        if !self.change_person(id, |person| person.user.held = true)? {
            return Err(StoreError::Stale);
        }
        let held = HeldChange {
            configuration: scope.configuration(),
            user: id,
            action,
            at: now,
        };
        Arc::make_mut(&mut self.held).insert(id, held);
        Ok(())
    }

    /// Drops what is held for a user.
    pub(super) fn withdraw(&mut self, id: ResourceId) -> Result<(), StoreError> {
        let held = self.person(id).is_some_and(|row| row.person.user.held);
        if held && self.change_person(id, |person| person.user.held = false)? {
            Arc::make_mut(&mut self.held).remove(&id);
        }
        Ok(())
    }
}

fn manager_of(user: &UserWrite) -> Option<&str> {
    user.record
        .get(&Field::Manager)
        .and_then(FieldValue::as_text)
}

/// Whether others name two states of a user as their manager by the same.
fn is_named_alike(before: &Person, user: &UserWrite) -> bool {
    let email = user.record.get(&Field::Email);
    before.user.document.get("userName") == user.document.get("userName")
        && before.text(&Field::Email) == email.and_then(FieldValue::as_text)
        && before.external_id() == user.external_id.as_deref()
}
