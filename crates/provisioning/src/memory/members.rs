//! Who is a member of what.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_protocol::Version;

use super::rows::{GroupRow, Member, PersonRow};
use super::tables::Tables;
use crate::directory::{MemberChunk, Membership, Scope, StoreError, Visible};
use crate::id::{ResourceId, ResourceKind};

impl Tables {
    /// The memberships of a group, in order of the members' ids.
    fn in_group(&self, group: ResourceId) -> impl Iterator<Item = (ResourceId, &Member)> {
        let from = (group, ResourceId::FIRST);
        let rows = self.members.range(from..);
        rows.take_while(move |((of, _), _)| *of == group)
            .map(|((_, member), row)| (*member, row))
    }

    /// The groups in scope that have any of these as a direct member, in order of name.
    pub(super) fn groups_of(&self, scope: Scope, members: &[ResourceId]) -> Vec<Membership> {
        let rows = self.members.iter();
        let mut found: Vec<(&str, Membership)> = rows
            .filter(|((_, member), row)| row.held.is_none() && members.contains(member))
            .filter_map(|((group, member), row)| {
                let of = self.seen_group(scope, *group)?;
                Some((
                    of.name.as_str(),
                    Membership {
                        group: *group,
                        group_name: of.group.group.name.clone(),
                        group_modified: of.group.group.last_modified,
                        member: *member,
                        kind: row.kind,
                        display: String::new(),
                    },
                ))
            })
            .collect();
        found.sort_by(|(left, a), (right, b)| (left, a.group).cmp(&(right, b.group)));
        found
            .into_iter()
            .map(|(_, membership)| membership)
            .collect()
    }

    /// The members in scope of these groups, in order of id.
    pub(super) fn members_of(&self, scope: Scope, groups: &[ResourceId]) -> Vec<Membership> {
        let mut groups = groups.to_vec();
        groups.sort_unstable();
        groups.dedup();
        let rows = groups.iter().flat_map(|group| {
            let rows = self.in_group(*group);
            rows.map(move |(member, row)| (*group, member, row))
        });
        rows.filter(|(_, _, row)| row.held.is_none())
            .filter_map(|(group, member, row)| {
                Some(Membership {
                    group,
                    group_name: String::new(),
                    group_modified: DateTime::UNIX_EPOCH,
                    member,
                    kind: row.kind,
                    display: self.member(scope, member, row.kind)?.display,
                })
            })
            .collect()
    }

    /// A member as a configuration sees it.
    fn member(&self, scope: Scope, id: ResourceId, kind: ResourceKind) -> Option<Visible> {
        match kind {
            ResourceKind::User => self.seen_person(scope, id).map(PersonRow::visible),
            ResourceKind::Group => self.seen_group(scope, id).map(GroupRow::visible),
        }
    }

    /// Of the next members of a group those in scope.
    pub(super) fn members_behind(
        &self,
        scope: Scope,
        group: ResourceId,
        after: Option<ResourceId>,
        count: usize,
    ) -> MemberChunk {
        let rows = self.in_group(group);
        let next = rows
            .filter(|(member, row)| row.held.is_none() && after.is_none_or(|after| *member > after))
            .take(count);
        let looked: Vec<_> = next.collect();
        let last = looked.last().filter(|_| looked.len() >= count);
        MemberChunk {
            next: last.map(|(member, _)| *member),
            members: looked
                .iter()
                .filter_map(|(member, row)| self.member(scope, *member, row.kind))
                .collect(),
        }
    }

    /// How many members in scope a group has, counted no further than a limit.
    pub(super) fn count_members(&self, scope: Scope, group: ResourceId, limit: usize) -> usize {
        let rows = self.in_group(group).filter(|(_, row)| row.held.is_none());
        rows.filter(|(member, row)| self.member(scope, *member, row.kind).is_some())
            .take(limit)
            .count()
    }

    /// Adds members; answers which were not there, or were held.
    pub(super) fn add_members(
        &mut self,
        group: ResourceId,
        joining: &[(ResourceId, ResourceKind)],
    ) -> Vec<ResourceId> {
        let members = Arc::make_mut(&mut self.members);
        let mut added = Vec::new();
        for (member, kind) in joining {
            let fresh = || Member {
                kind: *kind,
                held: None,
            };
            match members.get_mut(&(group, *member)) {
                None => {
                    members.insert((group, *member), fresh());
                    added.push(*member);
                }
                // Who is added again is not held any more.
                Some(row) => added.extend(row.held.take().map(|_by| *member)),
            }
        }
        added
    }

    /// Removes members in scope; answers which were there.
    pub(super) fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        leaving: &[ResourceId],
    ) -> Vec<ResourceId> {
        let mut removed = Vec::new();
        for member in leaving {
            let there = self.members.get(&(group, *member));
            if there.is_some_and(|row| row.held.is_none()) && self.is_seen(scope, *member) {
                Arc::make_mut(&mut self.members).remove(&(group, *member));
                removed.push(*member);
            }
        }
        removed
    }

    /// Holds memberships that the identity provider ended.
    pub(super) fn hold_members(&mut self, scope: Scope, group: ResourceId, held: &[ResourceId]) {
        let members = Arc::make_mut(&mut self.members);
        for member in held {
            if let Some(row) = members.get_mut(&(group, *member)) {
                row.held = row.held.or(Some(scope.configuration()));
            }
        }
    }

    /// Forgets some who were awaited in a group, or all of them.
    pub(super) fn forget_awaited(&mut self, group: ResourceId, some: Option<&[ResourceId]>) {
        let named = |member: &ResourceId| some.is_none_or(|some| some.contains(member));
        Arc::make_mut(&mut self.awaited).retain(|(of, member)| *of != group || !named(member));
    }

    /// Lets somebody who came back join the groups of the configuration that await them.
    pub(super) fn join_awaiting(
        &mut self,
        scope: Scope,
        member: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let awaiting = self.awaited.iter().filter(|(_, one)| *one == member);
        let managed = awaiting.filter(|(group, _)| {
            let row = self.group(*group);
            row.is_some_and(|row| row.group.managed_by == Some(scope.configuration()))
        });
        let joining: Vec<ResourceId> = managed.map(|(group, _)| *group).collect();
        let mut joined = false;
        for group in joining {
            Arc::make_mut(&mut self.awaited).remove(&(group, member));
            if !self.members.contains_key(&(group, member)) {
                self.add_members(group, &[(member, ResourceKind::User)]);
                joined = true;
            }
        }
        match joined {
            true => self.touch_groups_of(scope, member, now),
            false => Ok(()),
        }
    }

    /// Counts up the groups of a configuration that show one member more or less, for a reason that
    /// is not theirs.
    pub(super) fn touch_groups_of(
        &mut self,
        scope: Scope,
        member: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let rows = self.members.keys().filter(|(_, one)| *one == member);
        let groups: Vec<ResourceId> = rows.map(|(group, _)| *group).collect();
        for id in groups {
            self.change_group(scope, id, |row| {
                row.group.version = Version(row.group.version.0 + 1);
                row.group.last_modified = now;
            })?;
        }
        Ok(())
    }

    /// Whether a member was put into its group by others: a protected account or group, or what the
    /// configuration does not manage. Whoever left it is none of them.
    fn is_of_others(&self, scope: Scope, member: ResourceId) -> bool {
        let own = Some(scope.configuration());
        match (self.person(member), self.group(member)) {
            (Some(row), _) => row.person.protected || row.person.managed_by != own,
            (None, Some(row)) => row.group.confers_admin || row.group.managed_by != own,
            (None, None) => false,
        }
    }

    /// Whether others put members into a group.
    pub(super) fn has_others(&self, scope: Scope, group: ResourceId) -> bool {
        let mut members = self.in_group(group);
        members.any(|(member, _)| self.is_of_others(scope, member))
    }

    /// Removes every member of a group but those whom others put there.
    pub(super) fn leave_to_others(&mut self, scope: Scope, group: ResourceId) {
        let members = self.in_group(group);
        let own = members.filter(|(member, _)| !self.is_of_others(scope, *member));
        let own: Vec<ResourceId> = own.map(|(member, _)| member).collect();
        let members = Arc::make_mut(&mut self.members);
        for member in own {
            members.remove(&(group, member));
        }
    }
}
