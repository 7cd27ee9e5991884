//! The reading side of the port.

use super::rows::{GroupRow, PersonRow};
use super::select::Query;
use super::transaction::MemoryTransaction;
use crate::directory::{
    DirectoryView, Keyset, MemberChunk, Membership, Place, Row, Scope, Selected, Selection,
    StoreError, StoredGroup, StoredUser, UserRow, Visible,
};
use crate::id::{ResourceId, ResourceKind};

impl MemoryTransaction {
    fn query(&self, scope: Scope) -> Query<'_> {
        Query {
            tables: &self.tables,
            base_url: &self.base_url,
            scope,
        }
    }

    fn row(&self, kind: ResourceKind, scope: Scope, id: ResourceId) -> Option<Row> {
        match kind {
            ResourceKind::User => {
                let user = self.tables.user(scope, id)?;
                Some(Row::User(UserRow::Read(Box::new(user))))
            }
            ResourceKind::Group => {
                let row = self.tables.seen_group(scope, id)?;
                Some(Row::Group(row.group.group.clone()))
            }
        }
    }

    fn find(
        &self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
    ) -> Selected<(Keyset, ResourceId)> {
        match kind {
            ResourceKind::User => self.query(scope).users(selection),
            ResourceKind::Group => self.query(scope).groups(selection),
        }
    }

    /// About how many bytes a resource takes in an answer, with what is answered of memberships.
    fn bytes(&self, kind: ResourceKind, id: ResourceId, beside: bool) -> u64 {
        let document = match kind {
            ResourceKind::User => self.tables.person(id).map(|row| &row.person.user.document),
            ResourceKind::Group => self.tables.group(id).map(|row| &row.group.group.document),
        };
        let document = document.and_then(|document| serde_json::to_string(document).ok());
        let rows = self.tables.members.keys().filter(|(group, member)| {
            let end = match kind {
                ResourceKind::User => member,
                ResourceKind::Group => group,
            };
            beside && *end == id
        });
        let bytes = document.map_or(0, |text| text.len()) + MEMBERSHIP * rows.count();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// A page with what is made of its items.
fn each<T>(
    page: Selected<(Keyset, ResourceId)>,
    make: impl Fn(Keyset, ResourceId) -> Option<T>,
) -> Selected<T> {
    let items = page.items.into_iter();
    Selected {
        total: page.total,
        items: items.filter_map(|(keyset, id)| make(keyset, id)).collect(),
        next: page.next,
    }
}

impl DirectoryView for MemoryTransaction {
    fn user(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredUser>, StoreError> {
        Ok(self.tables.user(scope, id))
    }

    fn by_hand(&mut self, id: ResourceId) -> Result<Option<StoredUser>, StoreError> {
        let row = self.tables.person(id);
        let row = row.filter(|row| row.person.managed_by.is_none() && !row.person.protected);
        // Nobody is the manager of somebody whom no configuration shows.
        Ok(row.map(|row| StoredUser {
            manager: None,
            ..row.person.user.clone()
        }))
    }

    fn group(&mut self, scope: Scope, id: ResourceId) -> Result<Option<StoredGroup>, StoreError> {
        let row = self.tables.seen_group(scope, id);
        Ok(row.map(|row| row.group.group.clone()))
    }

    fn users(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredUser>, StoreError> {
        let page = self.query(scope).users(selection);
        Ok(each(page, |_, id| self.tables.user(scope, id)))
    }

    fn groups(
        &mut self,
        scope: Scope,
        selection: &Selection,
    ) -> Result<Selected<StoredGroup>, StoreError> {
        let page = self.query(scope).groups(selection);
        let group = |id| self.tables.seen_group(scope, id);
        Ok(each(page, |_, id| {
            group(id).map(|row| row.group.group.clone())
        }))
    }

    fn places(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        selection: &Selection,
        beside: bool,
    ) -> Result<Selected<Place>, StoreError> {
        let page = self.find(kind, scope, selection);
        let alone = page.items.len() == 1;
        Ok(each(page, |keyset, id| {
            Some(Place {
                keyset,
                bytes: self.bytes(kind, id, beside),
                resource: match alone {
                    true => self.row(kind, scope, id),
                    false => None,
                },
            })
        }))
    }

    fn among(
        &mut self,
        kind: ResourceKind,
        scope: Scope,
        ids: &[ResourceId],
    ) -> Result<Vec<Row>, StoreError> {
        let found = ids.iter().filter_map(|id| self.row(kind, scope, *id));
        Ok(found.collect())
    }

    fn groups_of(
        &mut self,
        scope: Scope,
        members: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError> {
        Ok(self.tables.groups_of(scope, members))
    }

    fn members_of(
        &mut self,
        scope: Scope,
        groups: &[ResourceId],
    ) -> Result<Vec<Membership>, StoreError> {
        Ok(self.tables.members_of(scope, groups))
    }

    fn members_behind(
        &mut self,
        scope: Scope,
        group: ResourceId,
        after: Option<ResourceId>,
        count: usize,
    ) -> Result<MemberChunk, StoreError> {
        Ok(self.tables.members_behind(scope, group, after, count))
    }

    fn count_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        limit: usize,
    ) -> Result<usize, StoreError> {
        Ok(self.tables.count_members(scope, group, limit))
    }

    fn visible(&mut self, scope: Scope, ids: &[ResourceId]) -> Result<Vec<Visible>, StoreError> {
        let people = ids
            .iter()
            .filter_map(|id| self.tables.seen_person(scope, *id));
        let groups = ids
            .iter()
            .filter_map(|id| self.tables.seen_group(scope, *id));
        let people = people.map(PersonRow::visible);
        Ok(people.chain(groups.map(GroupRow::visible)).collect())
    }

    fn protected(&mut self, ids: &[ResourceId]) -> Result<Option<ResourceId>, StoreError> {
        let protected = |id: &&ResourceId| {
            let row = self.tables.person(**id);
            row.is_some_and(|row| row.person.protected)
        };
        Ok(ids.iter().find(protected).copied())
    }

    fn protected_group(&mut self, names: &[&str]) -> Result<Option<ResourceId>, StoreError> {
        Ok(self.tables.protected_group(names))
    }
}

/// About how many bytes a membership takes in an answer.
const MEMBERSHIP: usize = 250;
