//! The reading side of the port.

use scim_provisioning::directory::{
    MemberChunk, Membership, Place, Row, Selected, Selection, StoredGroup, StoredUser, UserRow,
    Visible,
};
use scim_provisioning::{DirectoryView, ResourceId, ResourceKind, Scope, StoreError};

use super::View;
use crate::{groups, members, places, sharers, users};

impl DirectoryView for View<'_> {
    fn user(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredUser>, StoreError> {
        let row = self.user_row(scope, id)?;
        row.map(|row| row.read().map(|user| *user)).transpose()
    }

    fn user_row(&mut self, scope: Scope, id: ResourceId) -> Result<Option<UserRow>, StoreError> {
        let found = self.alone(|connection| users::find_with_groups(connection, scope, id))?;
        Ok(found.map(|(user, groups)| {
            self.keep(id, groups);
            UserRow::Unread(Box::new(user))
        }))
    }

    fn by_hand(&mut self, id: ResourceId) -> Result<Option<StoredUser>, StoreError> {
        users::by_hand(self.connection, id)
    }

    fn group(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredGroup>, StoreError> {
        groups::find(self.connection, scope, id)
    }

    fn users(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredUser>, StoreError> {
        let page = self.find(ResourceKind::User, scope, selection)?;
        let ids: Vec<ResourceId> = page.items.iter().map(|keyset| keyset.id).collect();
        let mut users = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(members::CHUNK) {
            users.extend(users::among_ids::<StoredUser>(
                self.connection,
                scope,
                chunk,
            )?);
        }
        Ok(places::in_order(page, users, |user| user.id))
    }

    fn groups(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredGroup>, StoreError> {
        let page = self.find(ResourceKind::Group, scope, selection)?;
        let ids: Vec<ResourceId> = page.items.iter().map(|keyset| keyset.id).collect();
        let mut groups = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(members::CHUNK) {
            groups.extend(groups::among_ids(self.connection, scope, chunk)?);
        }
        Ok(places::in_order(page, groups, |group| group.id))
    }

    fn places(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
        beside: bool,
    ) -> Result<Selected<Place>, StoreError> {
        let met = self.alone(|connection| places::look_up(connection, kind, scope, selection))?;
        if let Some(met) = met {
            if let Some((user, groups)) = met.groups {
                self.keep(user, groups);
            }
            return Ok(met.page);
        }
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
    ) -> Result<Vec<Row>, StoreError> {
        places::among(self.connection, kind, scope, ids)
    }

    fn groups_of(
        &mut self,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError> {
        let beside = self.beside.take();
        let fresh = beside.filter(|beside| beside.executed == self.connection.executed());
        match (fresh, ids) {
            (Some(beside), [user]) if beside.user == *user => Ok(beside.groups),
            _ => members::groups_of(self.connection, scope, ids),
        }
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
        sharers::protected(self.connection, ids)
    }
}
