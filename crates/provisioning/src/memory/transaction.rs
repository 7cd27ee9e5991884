//! The writing side of the port.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_mapping::ReferenceKind;
use scim_protocol::Version;
use scim_protocol::text::fold_name;
use scim_service::Rollback;
use serde_json::Value;

use super::tables::Tables;
use crate::configuration::Configuration;
use crate::directory::{
    Adoption, Approval, Author, Departure, DirectoryTransaction, GroupEnd, GroupWrite, HeldAction,
    Part, Scope, Sharer, StoreError, StoredGroup, StoredUser, UserKeys, UserWrite,
};
use crate::event::{Action, Event, Outcome};
use crate::id::{ResourceId, ResourceKind};
use crate::job::Job;

/// A copy of everything, which takes the place of what was there when the work succeeds.
pub(super) struct MemoryTransaction {
    pub(super) tables: Tables,
    pub(super) base_url: Arc<str>,
}

impl DirectoryTransaction for MemoryTransaction {
    fn speak_as(&mut self, author: &Author) -> Result<(), StoreError> {
        self.tables.author = Some(author.clone());
        Ok(())
    }

    fn part(&mut self, work: &mut Part<'_>) -> Result<(), Rollback> {
        let before = self.tables.clone();
        work(self).inspect_err(|_rollback| self.tables = before)
    }

    fn has_room(&mut self) -> bool {
        true
    }

    fn lock_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredUser>, StoreError> {
        Ok(self.tables.user(scope, id))
    }

    fn lock_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
    ) -> Result<Option<StoredGroup>, StoreError> {
        let row = self.tables.seen_group(scope, id);
        Ok(row.map(|row| row.group.group.clone()))
    }

    fn lock_nesting(&mut self, _scope: Scope) -> Result<(), StoreError> {
        // Nobody else writes meanwhile.
        Ok(())
    }

    fn sharers(
        &mut self,
        scope: Scope,
        keys: &UserKeys,
        except: Option<ResourceId>,
    ) -> Result<Vec<Sharer>, StoreError> {
        Ok(self.tables.sharers(scope, keys, except))
    }

    fn reference(
        &mut self,
        kind: ReferenceKind,
        name: &str,
        create: bool,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.tables.reference(kind, name, create))
    }

    fn insert_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.tables.insert_user(scope, id, user, now)
    }

    fn update_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        self.tables.update_user(scope, id, expected, user, now)
    }

    fn link_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        user: &UserWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        self.tables.take_over(scope, id, user, now)
    }

    fn approve_link(
        &mut self,
        configuration: &Configuration,
        approval: &Approval,
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let person = self.tables.person(approval.person);
        if person.is_none_or(|row| row.person.user.version != approval.seen) {
            return Err(StoreError::Stale);
        }
        let name = fold_name(&approval.user_name);
        let links = Arc::make_mut(&mut self.tables.links);
        links.retain(|link| {
            let sent = link.document.get("userName").and_then(Value::as_str);
            let about =
                link.person == approval.person || sent.map(fold_name).unwrap_or_default() == name;
            link.configuration != configuration.id || !about
        });
        Arc::make_mut(&mut self.tables.approvals).push(approval.clone());
        Ok(())
    }

    fn release_user(
        &mut self,
        scope: Scope,
        id: ResourceId,
        departure: &Departure,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.tables.release_user(scope, id, departure, now)
    }

    fn departures(
        &mut self,
        scope: Scope,
        since: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, StoreError> {
        let leaves = |event: &Event| {
            let action = matches!(
                event.action,
                Action::Block | Action::Archive | Action::Delete
            );
            let done = matches!(event.outcome, Outcome::Success | Outcome::Warning);
            action
                && done
                && event.kind == Some(ResourceKind::User)
                && event.configuration == scope.configuration()
                && event.at >= since
        };
        let left = self
            .tables
            .events
            .iter()
            .filter(|entry| leaves(&entry.event));
        Ok(u64::try_from(left.count()).unwrap_or(u64::MAX).min(limit))
    }

    fn users_at(&mut self, scope: Scope, at: DateTime<Utc>) -> Result<u64, StoreError> {
        Ok(self.tables.users_at(scope, at))
    }

    fn hold(
        &mut self,
        scope: Scope,
        id: ResourceId,
        held: HeldAction,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.tables.hold(scope, id, held, now)
    }

    fn withdraw(&mut self, id: ResourceId, _now: DateTime<Utc>) -> Result<(), StoreError> {
        self.tables.withdraw(id)
    }

    fn adopt_group(
        &mut self,
        scope: Scope,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Adoption, StoreError> {
        self.tables.adopt_group(scope, group, now)
    }

    fn insert_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.tables.insert_group(scope, id, group, now)
    }

    fn update_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        group: &GroupWrite,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        let write = |stored: &mut super::rows::Group| stored.write(group, now);
        self.tables.update_group(scope, id, expected, write)
    }

    fn classify_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        group: &GroupWrite,
    ) -> Result<(), StoreError> {
        let changed = self
            .tables
            .change_group(scope, id, |stored| stored.classify(group));
        changed.map(drop)
    }

    fn touch_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        expected: Version,
        now: DateTime<Utc>,
    ) -> Result<Version, StoreError> {
        let touch = |stored: &mut super::rows::Group| stored.group.last_modified = now;
        self.tables.update_group(scope, id, expected, touch)
    }

    fn delete_group(
        &mut self,
        scope: Scope,
        id: ResourceId,
        now: DateTime<Utc>,
    ) -> Result<GroupEnd, StoreError> {
        self.tables.delete_group(scope, id, now)
    }

    fn add_members(
        &mut self,
        group: ResourceId,
        members: &[(ResourceId, ResourceKind)],
        _now: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        Ok(self.tables.add_members(group, members))
    }

    fn remove_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
        _since: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        Ok(self.tables.remove_members(scope, group, members))
    }

    // There are no runs here that anybody takes back.
    fn members_brought_back(
        &mut self,
        _scope: Scope,
        _group: ResourceId,
        _members: &[ResourceId],
        _since: DateTime<Utc>,
    ) -> Result<Vec<ResourceId>, StoreError> {
        Ok(Vec::new())
    }

    fn hold_members(
        &mut self,
        scope: Scope,
        group: ResourceId,
        members: &[ResourceId],
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.tables.hold_members(scope, group, members);
        Ok(())
    }

    fn await_members(
        &mut self,
        group: ResourceId,
        members: &[ResourceId],
    ) -> Result<(), StoreError> {
        let awaited = members.iter().map(|member| (group, *member));
        Arc::make_mut(&mut self.tables.awaited).extend(awaited);
        Ok(())
    }

    fn forget_awaited(
        &mut self,
        group: ResourceId,
        members: Option<&[ResourceId]>,
    ) -> Result<(), StoreError> {
        self.tables.forget_awaited(group, members);
        Ok(())
    }

    fn group_with_external_id(
        &mut self,
        scope: Scope,
        external_id: &str,
        except: ResourceId,
    ) -> Result<Option<ResourceId>, StoreError> {
        let mut groups = self.tables.all_groups();
        let found = groups.find(|row| {
            row.group.is_seen(scope)
                && row.group.group.id != except
                && row.group.external_id.as_deref() == Some(external_id)
        });
        Ok(found.map(|row| row.group.group.id))
    }

    fn record(&mut self, event: &Event) -> Result<(), StoreError> {
        self.tables.record(event);
        Ok(())
    }

    fn save_job(&mut self, job: &Job) -> Result<(), StoreError> {
        if !self.tables.jobs.contains_key(&job.id) {
            return Err(StoreError::Stale);
        }
        Arc::make_mut(&mut self.tables.jobs).insert(job.id, job.clone());
        Ok(())
    }
}
