//! What waits for an administrator, in memory.

use chrono::{DateTime, Utc};
use scim_protocol::text::fold;
use scim_provisioning::{ConfigurationId, ResourceId, StoreError};

use super::rows::Rows;
use crate::policy::{HeldGroup, HeldMember, HeldUser, HoldEnd, LinkRequest, LinksQuery};
use crate::store::{ReadWaiting, WriteWaiting};

impl Rows {
    fn is_protected(&self, id: &str) -> bool {
        let mut people = self.people.iter();
        people.any(|person| person.id == id && person.tenant_admin)
    }

    /// How many changes are held of a configuration.
    pub(super) fn held_of(&self, configuration: ConfigurationId) -> usize {
        self.shown_users(configuration).count() + self.shown_members(configuration).count()
    }

    /// How many links wait of a configuration.
    pub(super) fn links_of(&self, configuration: ConfigurationId) -> usize {
        let own = |(of, link): &&(ConfigurationId, LinkRequest)| {
            *of == configuration && link.dismissed.is_none()
        };
        self.links.iter().filter(own).count()
    }

    fn shown_users(&self, configuration: ConfigurationId) -> impl Iterator<Item = &HeldUser> {
        let all = self.held_users.iter();
        let own = all.filter(move |(of, _)| *of == configuration);
        own.map(|(_, held)| held)
            .filter(|held| !self.is_protected(&held.user.to_string()))
    }

    fn shown_members(&self, configuration: ConfigurationId) -> impl Iterator<Item = &HeldMember> {
        let all = self.held_members.iter();
        let own = all.filter(move |(of, _)| *of == configuration);
        own.map(|(_, held)| held)
            .filter(|held| !self.is_protected(&held.member))
    }
}

/// The next of these behind an id.
fn page<'a, T: Clone + 'a>(
    found: impl Iterator<Item = &'a T>,
    id: impl Fn(&T) -> &String,
    after: Option<&str>,
    limit: i64,
) -> Vec<T> {
    let behind = |one: &&T| after.is_none_or(|after| id(one).as_str() > after);
    let mut found: Vec<T> = found.filter(behind).cloned().collect();
    found.sort_by_key(|one| id(one).clone());
    found.truncate(usize::try_from(limit).unwrap_or(0));
    found
}

impl ReadWaiting for Rows {
    fn held_users(
        &mut self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldUser>, StoreError> {
        let found = self.shown_users(configuration);
        Ok(page(found, |held| &held.id, after, limit))
    }

    fn held_members(
        &mut self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldMember>, StoreError> {
        let found = self.shown_members(configuration);
        Ok(page(found, |held| &held.id, after, limit))
    }

    fn held_users_end(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError> {
        let ids: Vec<_> = self
            .shown_users(configuration)
            .map(|held| held.id.clone())
            .collect();
        Ok((
            i64::try_from(ids.len()).unwrap_or(i64::MAX),
            ids.into_iter().max(),
        ))
    }

    fn held_groups(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldGroup>, StoreError> {
        let mut found: Vec<HeldGroup> = Vec::new();
        for held in self.shown_members(configuration) {
            let id = held.group.to_string();
            match found.iter_mut().find(|group| group.id == id) {
                Some(group) => group.leaving += 1,
                None => {
                    let group = self.groups.iter().find(|group| group.id == id);
                    let members = group.map_or(0, |group| group.members.len());
                    found.push(HeldGroup {
                        id,
                        name: held.group_name.clone(),
                        members: i64::try_from(members).unwrap_or(i64::MAX),
                        leaving: 1,
                    });
                }
            }
        }
        found.sort_by_key(|group| (fold(&group.name), group.id.clone()));
        Ok(found)
    }

    fn held_members_end(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError> {
        let shown = self.shown_members(configuration);
        let ids: Vec<_> = shown.map(|held| held.id.clone()).collect();
        Ok((
            i64::try_from(ids.len()).unwrap_or(i64::MAX),
            ids.into_iter().max(),
        ))
    }

    fn links(
        &mut self,
        configuration: ConfigurationId,
        query: &LinksQuery,
    ) -> Result<Vec<LinkRequest>, StoreError> {
        let of = |(of, link): &&(ConfigurationId, LinkRequest)| {
            *of == configuration
                && link.dismissed.is_some() == query.dismissed
                && query
                    .person
                    .as_ref()
                    .is_none_or(|person| link.person == *person)
                && query
                    .after
                    .as_ref()
                    .is_none_or(|after| link.person > *after)
        };
        let mut found: Vec<_> = self
            .links
            .iter()
            .filter(of)
            .map(|(_, link)| link.clone())
            .collect();
        found.sort_by_key(|link| (link.person.clone(), link.id.clone()));
        if let Some(limit) = query.limit {
            let mut persons: Vec<_> = found.iter().map(|link| link.person.clone()).collect();
            persons.dedup();
            persons.truncate(usize::try_from(limit).unwrap_or(0));
            found.retain(|link| persons.contains(&link.person));
        }
        Ok(found)
    }
}

impl WriteWaiting for Rows {
    fn all_held_users(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldUser>, StoreError> {
        let own = self
            .held_users
            .iter()
            .filter(|(of, _)| *of == configuration);
        Ok(page(
            own.map(|(_, held)| held),
            |held| &held.id,
            None,
            i64::MAX,
        ))
    }

    fn end_hold(
        &mut self,
        configuration: ConfigurationId,
        user: ResourceId,
        end: HoldEnd,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let id = user.to_string();
        let archived = scim_provisioning::directory::Status::Archived;
        let free = self.change_person(&id, at, |person| match end {
            HoldEnd::Stays => {}
            HoldEnd::Returns => person.left = false,
            HoldEnd::Becomes(status) if person.status != archived => person.status = status,
            HoldEnd::Becomes(_) => {}
            HoldEnd::Departs { status, purge } => {
                person.status = status;
                person.purge = purge;
            }
        })?;
        if !free {
            return Ok(false);
        }
        self.held_users.retain(|(_, held)| held.user != user);
        if matches!(end, HoldEnd::Departs { .. }) {
            for group in &mut self.groups {
                if group.managed_by == Some(configuration) {
                    group.members.remove(&id);
                }
            }
        }
        Ok(true)
    }

    fn delete_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError> {
        if self.is_protected(member) {
            return Ok(());
        }
        self.keep_held_member(group, member)?;
        if let Some(group) = self.group_mut(&group.to_string()) {
            group.members.remove(member);
        }
        Ok(())
    }

    fn keep_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError> {
        self.held_members
            .retain(|(_, held)| held.group != group || held.member != member);
        Ok(())
    }

    fn touch_group(&mut self, group: ResourceId, at: DateTime<Utc>) -> Result<(), StoreError> {
        if let Some(group) = self.group_mut(&group.to_string()) {
            group.version += 1;
            group.last_modified = at;
        }
        Ok(())
    }

    fn reset_guard(
        &mut self,
        configuration: ConfigurationId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut known = self.configurations.iter_mut();
        if let Some(found) = known.find(|known| known.id == configuration) {
            found.guard_reset = Some(at);
        }
        Ok(())
    }

    fn dismiss_link(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(self.set_dismissed(configuration, id, Some(at)))
    }

    fn restore_link(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.set_dismissed(configuration, id, None))
    }
}

impl Rows {
    /// Dismisses a link that waits, or puts a dismissed one back; answers whether it was one.
    fn set_dismissed(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
        to: Option<DateTime<Utc>>,
    ) -> bool {
        let mut links = self.links.iter_mut().map(|(of, link)| (*of, link));
        let found = links.find(|(of, link)| *of == configuration && link.id == id);
        match found {
            Some((_, link)) if link.dismissed.is_some() != to.is_some() => {
                link.dismissed = to;
                true
            }
            _ => false,
        }
    }
}
