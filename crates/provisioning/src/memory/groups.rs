//! What is written of groups.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_protocol::Version;
use scim_protocol::text::fold;
use serde_json::{Map, Value};

use super::rows::Group;
use super::tables::Tables;
use crate::directory::{Adoption, GroupEnd, GroupWrite, Scope, StoreError};
use crate::id::ResourceId;

impl Tables {
    /// The group that confers an administrative right and has one of the names.
    pub(super) fn protected_group(&self, names: &[&str]) -> Option<ResourceId> {
        let names: Vec<String> = names.iter().map(|name| fold(name)).collect();
        let mut groups = self.all_groups();
        let found = groups.find(|row| row.group.confers_admin && names.contains(&row.name));
        found.map(|row| row.group.group.id)
    }

    pub(super) fn insert_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        write: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut group = Group::by_hand(id, "", now);
        group.managed_by = Some(scope.configuration());
        group.write(write, now);
        self.put_group(group)
    }

    /// Takes over the group created by hand that has the name.
    pub(super) fn adopt_group(
        &mut self,
        scope: Scope,
        write: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Adoption, StoreError> {
        let name = fold(&write.name);
        let by_hand = self.all_groups().find(|row| {
            row.group.managed_by.is_none() && !row.group.confers_admin && row.name == name
        });
        let Some(mut group) = by_hand.map(|row| row.group.clone()) else {
            return Ok(Adoption::Nothing);
        };
        let id = group.group.id;
        let mut members = self.members.keys().filter(|(of, _)| *of == id);
        let protected = |member| {
            let person = self.person(member);
            person.is_some_and(|row| row.person.protected)
        };
        if members.any(|(_, member)| protected(*member)) {
            return Ok(Adoption::Protected(id));
        }
        let version = Version(group.group.version.0 + 1);
        group.managed_by = Some(scope.configuration());
        group.group.version = version;
        group.write(write, now);
        self.put_group(group)?;
        self.touch_groups_of(scope, id, now)?;
        Ok(Adoption::Taken(id, version))
    }

    /// Writes a group in scope whose version is the expected one, and counts it up.
    pub(super) fn update_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        change: impl FnOnce(&mut Group),
    ) -> Result<Version, StoreError> {
        let seen = self.seen_group(scope, id);
        if seen.is_none_or(|row| row.group.group.version != expected) {
            return Err(StoreError::Stale);
        }
        let version = Version(expected.0 + 1);
        self.change_group(scope, id, |group| {
            change(group);
            group.group.version = version;
        })?;
        Ok(version)
    }

    pub(super) fn delete_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<GroupEnd, StoreError> {
        if self.seen_group(scope, id).is_none() {
            return Err(StoreError::Stale);
        }
        self.touch_groups_of(scope, id, now)?;
        if self.has_others(scope, id) {
            self.release_group(scope, id, now)?;
            return Ok(GroupEnd::Released);
        }
        Arc::make_mut(&mut self.groups).remove(&id);
        Arc::make_mut(&mut self.members).retain(|(group, member), _| *group != id && *member != id);
        self.forget_awaited(id, None);
        Ok(GroupEnd::Deleted)
    }

    /// Makes a group one that was made by hand: with the members whom others put there, and without
    /// what came of the configuration and its rules.
    fn release_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // Where groups of the configuration have it as a member, the identity provider said so.
        let rows = self.members.keys().filter(|(_, member)| *member == id);
        let above = rows.filter(|(group, _)| self.seen_group(scope, *group).is_some());
        let above: Vec<_> = above.copied().collect();
        self.leave_to_others(scope, id);
        self.change_group(scope, id, |group| {
            group.managed_by = None;
            group.rule = None;
            group.external_id = None;
            group.grants = Vec::new();
            group.search = Value::Object(Map::new());
            group.group.document = Map::new();
            group.group.version = Version(group.group.version.0 + 1);
            group.group.last_modified = now;
        })?;
        let members = Arc::make_mut(&mut self.members);
        for membership in above {
            members.remove(&membership);
        }
        Ok(())
    }
}
