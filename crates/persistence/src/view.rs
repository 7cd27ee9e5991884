//! The directory ports on one connection inside a transaction.

use chrono::{DateTime, Utc};
use scim_mapping::ReferenceKind;
use scim_protocol::Version;
use scim_provisioning::directory::{
    Adoption, Approval, Change, Departure, GroupEnd, GroupWrite, HeldAction, MemberChunk,
    Membership, Occupant, Place, Selected, Selection, Stored, StoredGroup, StoredUser, UserKeys,
    UserWrite, Visible,
};
use scim_provisioning::reapply::Job;
use scim_provisioning::{
    Configuration, DirectoryTransaction, DirectoryView, Event, ResourceId, ResourceKind, Scope,
    StoreError,
};

use crate::connection::Connection;
use crate::groups::{self, GroupRow};
use crate::page::select;
use crate::users::{self, UserRow};
use crate::{held, jobs, links, log, members, occupants, places, references};

/// A connection inside a transaction.
pub(crate) struct View<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) base_url: &'a str,
}

impl DirectoryView for View<'_> {
    fn user(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredUser>, StoreError> {
        users::find(self.connection, scope, id, false)
    }

    fn by_hand(&mut self, id: ResourceId) -> Result<Option<StoredUser>, StoreError> {
        users::by_hand(self.connection, id)
    }

    fn group(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredGroup>, StoreError> {
        groups::find(self.connection, scope, id, false)
    }

    fn users(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredUser>, StoreError> {
        let page: Selected<UserRow> = select(
            self.connection,
            ResourceKind::User,
            scope,
            self.base_url,
            users::COLUMNS,
            selection,
        )?;
        converted(page)
    }

    fn groups(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredGroup>, StoreError> {
        let page: Selected<GroupRow> = select(
            self.connection,
            ResourceKind::Group,
            scope,
            self.base_url,
            groups::COLUMNS,
            selection,
        )?;
        converted(page)
    }

    fn places(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
        beside: bool,
    ) -> Result<Selected<Place>, StoreError> {
        places::select(
            self.connection,
            self.base_url,
            kind,
            scope,
            selection,
            beside,
        )
    }

    fn among(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Stored>, StoreError> {
        places::among(self.connection, kind, scope, ids)
    }

    fn groups_of(
        &mut self,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError> {
        members::groups_of(self.connection, scope, ids)
    }

    fn members_of(
        &mut self,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError> {
        members::members_of(self.connection, scope, ids)
    }

    fn members_behind(
        &mut self,
        scope: Scope,
        group: ResourceId,
        after: Option<ResourceId>,
        count: usize,
    ) -> Result<MemberChunk, StoreError> {
        members::behind(self.connection, scope, group, after, count)
    }

    fn count_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        limit: usize,
    ) -> Result<usize, StoreError> {
        members::count(self.connection, scope, group, limit)
    }

    fn visible(&mut self, scope: Scope, ids: &[ResourceId]) -> Result<Vec<Visible>, StoreError> {
        members::visible_ids(self.connection, scope, ids)
    }

    fn protected_group(&mut self, names: &[&str]) -> Result<Option<ResourceId>, StoreError> {
        groups::protected(self.connection, names)
    }

    fn protected(&mut self, ids: &[ResourceId]) -> Result<Option<ResourceId>, StoreError> {
        occupants::protected(self.connection, ids)
    }
}

impl DirectoryTransaction for View<'_> {
    fn lock_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredUser>, StoreError> {
        users::find(self.connection, scope, id, true)
    }

    fn lock_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError> {
        groups::find(self.connection, scope, id, true)
    }

    fn lock_nesting(&mut self, scope: Scope) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE provisioning_configurations SET version = version WHERE id = ");
        sql.bind(scope.configuration().to_string());
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn occupants(
        &mut self,
        scope: Scope,
        keys: &UserKeys,
        except: Option<ResourceId>,
    ) -> Result<Vec<Occupant>, StoreError> {
        occupants::occupants(self.connection, scope, keys, except)
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
        users::update(self.connection, scope, id, expected, user, now)
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
        held::departures(self.connection, scope, since, limit)
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

    fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        leaving: &[ResourceId],
    ) -> Result<Vec<ResourceId>, StoreError> {
        members::remove(self.connection, scope, group, leaving)
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
        log::record(self.connection, event)
    }

    fn save_job(&mut self, job: &Job) -> Result<(), StoreError> {
        jobs::save(self.connection, job)
    }

    fn announce(&mut self, change: &Change, now: DateTime<Utc>) -> Result<(), StoreError> {
        log::announce(self.connection, change, now)
    }
}

fn converted<R, T: TryFrom<R, Error = StoreError>>(
    page: Selected<R>,
) -> Result<Selected<T>, StoreError> {
    Ok(Selected {
        total: page.total,
        items: page
            .items
            .into_iter()
            .map(T::try_from)
            .collect::<Result<_, _>>()?,
        next: page.next,
    })
}
