//! The directory ports on one connection inside a transaction.

mod part;
mod reads;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_mapping::ReferenceKind;
use scim_protocol::Version;
use scim_provisioning::directory::{
    Adoption, Approval, Author, Departure, GroupEnd, GroupWrite, HeldAction, Keyset, Membership,
    Part, Selected, Selection, Sharer, StoredGroup, StoredUser, UserKeys, UserWrite,
};
use scim_provisioning::reapply::Job;
use scim_provisioning::{
    Configuration, DirectoryTransaction, Event, ResourceId, ResourceKind, Rollback, Scope,
    StoreError,
};

pub(crate) use self::part::{Room, UNHURRIED};
use crate::connection::Connection;
use crate::schema::provisioning_configurations;
use crate::{groups, held, jobs, links, log, members, page, references, sharers, users};

/// A connection inside a transaction.
pub(crate) struct View<'a> {
    connection: &'a mut Connection,
    base_url: &'a str,
    /// Whether nothing is written: then a statement that answers for itself needs no transaction.
    reads: bool,
    /// The groups that were read with a user, for as long as no other statement was executed.
    beside: Option<Beside>,
    /// The user that was locked last.
    locked: Option<StoredUser>,
    /// What is to be told when the work is done, in one statement.
    told: log::Told,
    /// What parts told that are done.
    kept: log::Told,
    /// What they told that is written in the part which goes on.
    inside: log::Told,
    /// How many parts the work may have.
    room: Option<Room>,
    /// Why the transaction cannot be kept, where a part of it could not be undone.
    lost: Option<StoreError>,
    /// Whether other transactions wait that count who left.
    departing: bool,
}

/// What was read beside a user.
struct Beside {
    user: ResourceId,
    groups: Vec<Membership>,
    /// How many statements the connection had executed then.
    executed: u64,
}

impl<'a> View<'a> {
    pub(crate) fn new(connection: &'a mut Connection, base_url: &'a str, reads: bool) -> Self {
        Self {
            connection,
            base_url,
            reads,
            beside: None,
            locked: None,
            told: log::Told::default(),
            kept: log::Told::default(),
            inside: log::Told::default(),
            room: None,
            lost: None,
            departing: false,
        }
    }

    /// Runs a statement that answers for itself.
    fn alone<T>(
        &mut self,
        statement: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.reads {
            true => self.connection.alone(statement),
            false => statement(self.connection),
        }
    }

    fn keep(&mut self, user: ResourceId, groups: Vec<Membership>) {
        self.beside = Some(Beside {
            user,
            groups,
            executed: self.connection.executed(),
        });
    }
}

impl DirectoryTransaction for View<'_> {
    fn part(&mut self, work: &mut Part<'_>) -> Result<(), Rollback> {
        self.run_part(work)
    }

    fn has_room(&mut self) -> bool {
        self.is_room_left()
    }

    fn lock_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredUser>, StoreError> {
        self.locked = users::lock(self.connection, scope, id)?;
        Ok(self.locked.clone())
    }

    fn lock_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError> {
        groups::lock(self.connection, scope, id)
    }

    fn lock_nesting(&mut self, scope: Scope) -> Result<(), StoreError> {
        let id = provisioning_configurations::id.eq(scope.configuration().to_string());
        let same = provisioning_configurations::version.eq(provisioning_configurations::version);
        let row = provisioning_configurations::table.filter(id);
        self.connection.execute(diesel::update(row).set(same))?;
        Ok(())
    }

    fn sharers(
        &mut self,
        scope: Scope,
        keys: &UserKeys,
        except: Option<ResourceId>,
    ) -> Result<Vec<Sharer>, StoreError> {
        sharers::sharers(self.connection, scope, keys, except)
    }

    fn reference(
        &mut self,
        kind: ReferenceKind,
        name: &str,
        create: bool,
    ) -> Result<Option<String>, StoreError> {
        references::resolve(self.connection, kind, name, create)
    }

    fn insert_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        users::insert(self.connection, scope, id, user, now)
    }

    fn update_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        let before = self.locked.take();
        let known = (expected, before.as_ref());
        users::update(self.connection, scope, id, known, user, now)
    }

    fn link_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        users::take_over(self.connection, scope, id, user, now)
    }

    fn approve_link(
        &mut self,
        configuration: &Configuration,
        approval: &Approval,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        links::approve(self.connection, configuration, approval, now)
    }

    fn departures(
        &mut self,
        scope: Scope,
        since: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, StoreError> {
        // What was told in this transaction counts.
        self.write_told()?;
        if !std::mem::replace(&mut self.departing, true) {
            held::lock_departures(self.connection, scope)?;
        }
        held::departures(self.connection, scope, since, limit)
    }

    fn was_brought_back(
        &mut self,
        id: ResourceId,
        since: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        held::was_brought_back(self.connection, id, since)
    }

    fn users_at(&mut self, scope: Scope, at: DateTime<Utc>) -> Result<u64, StoreError> {
        held::users_at(self.connection, scope, at)
    }

    fn hold(
        &mut self,
        scope: Scope,
        id: ResourceId,
        action: HeldAction,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        held::hold(self.connection, scope, id, action, now)
    }

    fn withdraw(&mut self, id: ResourceId, _now: DateTime<Utc>) -> Result<(), StoreError> {
        held::withdraw(self.connection, id)
    }

    fn release_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        departure: &Departure,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        users::release(self.connection, scope, id, departure, now)
    }

    fn adopt_group(
        &mut self,
        scope: Scope,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Adoption, StoreError> {
        groups::adopt(self.connection, scope, group, now)
    }

    fn classify_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        group: &GroupWrite,
    ) -> Result<(), StoreError> {
        groups::classify(self.connection, scope, id, group)
    }

    fn insert_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        groups::insert(self.connection, scope, id, group, now)
    }

    fn update_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        groups::update(self.connection, scope, id, expected, group, now)
    }

    fn touch_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        groups::touch(self.connection, scope, id, expected, now)
    }

    fn delete_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<GroupEnd, StoreError> {
        groups::delete(self.connection, scope, id, now)
    }

    fn add_members(
        &mut self,
        group: ResourceId,
        joining: &[(ResourceId, ResourceKind)],
        now: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        members::add(self.connection, group, joining, now)
    }

    fn add_first_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        ids: &[ResourceId],
        now: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        members::add_first(self.connection, scope, group, ids, now)
    }

    fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        leaving: &[ResourceId],
        since: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        members::remove(self.connection, scope, group, leaving, since)
    }

    fn members_brought_back(
        &mut self,
        scope: Scope,
        group: ResourceId,
        leaving: &[ResourceId],
        since: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        members::brought_back(self.connection, scope, group, leaving, since)
    }

    fn hold_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        held: &[ResourceId],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        members::hold(self.connection, scope, group, held, now)
    }

    fn await_members(
        &mut self,
        group: ResourceId,
        awaited: &[ResourceId],
    ) -> Result<(), StoreError> {
        members::awaits(self.connection, group, awaited)
    }

    fn forget_awaited(
        &mut self,
        group: ResourceId,
        awaited: Option<&[ResourceId]>,
    ) -> Result<(), StoreError> {
        members::forget(self.connection, group, awaited)
    }

    fn group_with_external_id(
        &mut self,
        scope: Scope,
        external_id: &str,
        except: ResourceId,
    ) -> Result<Option<ResourceId>, StoreError> {
        groups::with_external_id(self.connection, scope, external_id, except)
    }

    fn record(&mut self, event: &Event) -> Result<(), StoreError> {
        self.told.event(event);
        Ok(())
    }

    fn save_job(&mut self, job: &Job) -> Result<(), StoreError> {
        jobs::save(self.connection, job)
    }

    fn speak_as(&mut self, author: &Author) -> Result<(), StoreError> {
        self.connection.speak_as(author)
    }
}

impl View<'_> {
    fn find(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<Keyset>, StoreError> {
        page::find(self.connection, kind, scope, self.base_url, selection)
    }
}
