//! The groups of a cycle, and who is in them.

use std::collections::BTreeSet;

use super::users::{numbered, without_id};
use super::{
    CHANGED, Call, CallError, CutOff, Finding, Notes, Outcome, Run, group_subject, references,
};
use scim_client::Method;

use crate::comparison::group_differences;
use crate::dialect::{Member, group_path};
use crate::links::GroupLink;
use crate::list::query;
use crate::model::{Directory, Group};

impl Run<'_> {
    /// Matches every group, creates those that are not there, renames the others.
    pub(super) fn provision_groups(
        &mut self,
        cycle: &str,
        target: &Directory,
    ) -> Result<(), CutOff> {
        let jobs: Vec<(usize, &Group)> = numbered(&target.groups);
        let name = format!("{cycle}: groups");
        let links = self.phase(name, &jobs, |run, (number, group)| {
            Outcome::of(&group_subject(group), |notes| {
                let link = run.provision_group(*number, group, target, notes)?;
                Ok((*number, link))
            })
        })?;
        for (number, link) in links {
            self.links.put_group(number, link);
        }
        Ok(())
    }

    fn provision_group(
        &self,
        number: usize,
        group: &Group,
        target: &Directory,
        notes: &mut Notes,
    ) -> Result<GroupLink, CallError> {
        let linked = self.links.group(number).map(|link| link.id.clone());
        let id = match linked {
            Some(id) => Some(id),
            None => self.match_group(number, group, notes)?,
        };
        let Some(id) = id else {
            return self.create_group(group, target, notes);
        };
        let call = Call::new(Method::Get, group_path(&id));
        let current = self.client.call(&call, &[200])?.body;
        let name = current.get("displayName").and_then(|name| name.as_str());
        if name != Some(&*group.display_name) {
            let call = self.dialect.group_rename(&id, group);
            self.client.call(&call, CHANGED)?;
            notes.events.push("groups renamed");
        }
        // What the run sent itself is remembered; only a matched group is news.
        let members = match self.links.group(number) {
            Some(link) => link.members.clone(),
            None => members(&current),
        };
        Ok(GroupLink { id, members })
    }

    fn match_group(
        &self,
        number: usize,
        group: &Group,
        notes: &mut Notes,
    ) -> Result<Option<String>, CallError> {
        let mut names = vec![group.display_name.clone()];
        names.extend(self.other_group_names(number, &group.display_name));
        for name in names {
            let call = self.dialect.group_lookup(&name);
            let list = query(self.client, &call)?;
            if list.total > 1 {
                let found = format!("{} groups", list.total);
                let finding = Finding::new(&group_subject(group), "match", "one group", &found);
                notes.findings.push(finding);
            }
            let Some(found) = list.resources.first() else {
                continue;
            };
            notes.events.push("groups matched");
            let id = found.get("id").and_then(|id| id.as_str());
            let id = id.ok_or_else(|| without_id(&call, 200))?;
            return Ok(Some(id.to_owned()));
        }
        Ok(None)
    }

    fn create_group(
        &self,
        group: &Group,
        target: &Directory,
        notes: &mut Notes,
    ) -> Result<GroupLink, CallError> {
        let wanted = self.members_of(group, target);
        let creation = self.dialect.group_creation(group, &wanted);
        let answer = self.client.call(&creation.call, &[201])?;
        let id = answer.id().map(str::to_owned);
        let id = id.ok_or_else(|| without_id(&creation.call, answer.status))?;
        let subject = group_subject(group);
        let differences = group_differences(&subject, group, &answer.body);
        notes.findings.extend(differences);
        if !answer.has_location {
            let finding = Finding::new(&subject, "Location header", "present", "missing");
            notes.findings.push(finding);
        }
        notes.events.push("groups created");
        let carried = wanted.into_iter().take(creation.carried);
        let members = carried.map(|member| member.id).collect();
        Ok(GroupLink { id, members })
    }

    /// Adds and removes members; the requests about one group go one after another.
    pub(super) fn provision_members(
        &mut self,
        cycle: &str,
        target: &Directory,
    ) -> Result<(), CutOff> {
        let jobs: Vec<(usize, &Group, GroupLink)> = numbered(&target.groups)
            .into_iter()
            .filter_map(|(number, group)| {
                let link = self.links.group(number)?.clone();
                Some((number, group, link))
            })
            .collect();
        let name = format!("{cycle}: members");
        let links = self.phase(name, &jobs, |run, (number, group, link)| {
            Outcome::of(&group_subject(group), |notes| {
                let members = run.change_members(group, link, target, notes)?;
                let id = link.id.clone();
                Ok((*number, GroupLink { id, members }))
            })
        })?;
        for (number, link) in links {
            self.links.put_group(number, link);
        }
        Ok(())
    }

    fn change_members(
        &self,
        group: &Group,
        link: &GroupLink,
        target: &Directory,
        notes: &mut Notes,
    ) -> Result<BTreeSet<String>, CallError> {
        let wanted = self.members_of(group, target);
        let ids: BTreeSet<String> = wanted.iter().map(|member| member.id.clone()).collect();
        let removed: Vec<String> = link.members.difference(&ids).cloned().collect();
        let added: Vec<Member<'_>> = wanted
            .into_iter()
            .filter(|member| !link.members.contains(&member.id))
            .collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(ids);
        }
        let calls = self
            .dialect
            .member_changes(&link.id, group, &added, &removed);
        for call in &calls {
            self.client.call(call, CHANGED)?;
        }
        notes.events.extend(added.iter().map(|_| "members added"));
        notes
            .events
            .extend(removed.iter().map(|_| "members removed"));
        Ok(ids)
    }

    /// Deletes the groups that are linked and no longer in the directory.
    pub(super) fn delete_groups(&mut self, cycle: &str, target: &Directory) -> Result<(), CutOff> {
        let mut jobs = Vec::new();
        for (number, link) in numbered(&self.links.groups) {
            if target.group(number).is_none() {
                let plan = self.plan;
                let last = plan.second.group(number).or(plan.first.group(number));
                if let Some(group) = last {
                    jobs.push((number, group, link.id.clone()));
                }
            }
        }
        let name = format!("{cycle}: groups deleted");
        let gone = self.phase(name, &jobs, |run, (number, group, id)| {
            Outcome::of(&group_subject(group), |notes| {
                let call = Call::new(Method::Delete, group_path(id));
                run.client.call(&call, &[204])?;
                notes.events.push("groups deleted");
                Ok((*number, group.display_name.clone()))
            })
        })?;
        for (number, name) in gone {
            self.links.group_is_gone(number, &name);
        }
        Ok(())
    }

    fn members_of<'d>(&self, group: &Group, directory: &'d Directory) -> Vec<Member<'d>> {
        let members = group.members.iter().filter_map(|number| {
            Some(Member {
                id: self.links.user(*number)?.id.clone(),
                user: directory.user(*number)?,
            })
        });
        members.collect()
    }
}

/// The ids of the members that a group was read with.
fn members(group: &serde_json::Value) -> BTreeSet<String> {
    let members = references(group, "members");
    members.into_keys().map(str::to_owned).collect()
}
