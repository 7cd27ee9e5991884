//! The users of a cycle.

use scim_client::Method;
use serde_json::Value;

use super::{CHANGED, Call, CallError, CutOff, Finding, Notes, Outcome, Run, user_subject};
use crate::attributes::{MANAGER, user_attributes};
use crate::comparison::user_differences;
use crate::dialect::user_path;
use crate::links::UserLink;
use crate::list::query;
use crate::model::{Directory, User};

impl Run<'_> {
    /// Matches every user, creates those that are not there, updates the others.
    pub(super) fn provision_users(
        &mut self,
        cycle: &str,
        target: &Directory,
    ) -> Result<(), CutOff> {
        let jobs: Vec<(usize, &User)> = numbered(&target.users);
        let name = format!("{cycle}: users");
        let links = self.phase(name, &jobs, |run, (number, user)| {
            Outcome::of(&user_subject(user), |notes| {
                Ok((*number, run.provision_user(*number, user, notes)?))
            })
        })?;
        for (number, link) in links {
            self.links.put_user(number, link);
        }
        Ok(())
    }

    fn provision_user(
        &self,
        number: usize,
        user: &User,
        notes: &mut Notes,
    ) -> Result<UserLink, CallError> {
        let current = match self.links.user(number) {
            Some(link) => Some(self.read_user(&link.id)?),
            None => self.match_user(number, user, notes)?,
        };
        match current {
            Some(current) => self.update_user(&current, user, notes),
            None => self.create_user(user, notes),
        }
    }

    fn read_user(&self, id: &str) -> Result<Value, CallError> {
        let call = Call::new(Method::Get, user_path(id));
        Ok(self.client.call(&call, &[200])?.body)
    }

    fn match_user(
        &self,
        number: usize,
        user: &User,
        notes: &mut Notes,
    ) -> Result<Option<Value>, CallError> {
        let mut names = vec![user.user_name.clone()];
        names.extend(self.other_user_names(number, &user.user_name));
        for name in names {
            let list = query(self.client, &self.dialect.user_lookup(&name))?;
            if list.total > 1 {
                let found = format!("{} users", list.total);
                let finding = Finding::new(&user_subject(user), "match", "one user", &found);
                notes.findings.push(finding);
            }
            if let Some(found) = list.resources.into_iter().next() {
                notes.events.push("users matched");
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn create_user(&self, user: &User, notes: &mut Notes) -> Result<UserLink, CallError> {
        let subject = user_subject(user);
        let call = self.dialect.user_creation(user);
        let answer = self.client.call(&call, &[201])?;
        let id = answer.id().map(str::to_owned);
        let id = id.ok_or_else(|| without_id(&call, answer.status))?;
        // RFC 7644 section 3.3: 201 comes with the resource and with its location.
        let differences = user_differences(&subject, user, None, &answer.body);
        notes.findings.extend(differences);
        if !answer.has_location {
            let finding = Finding::new(&subject, "Location header", "present", "missing");
            notes.findings.push(finding);
        }
        notes.events.push("users created");
        Ok(UserLink { id, manager: None })
    }

    fn update_user(
        &self,
        current: &Value,
        user: &User,
        notes: &mut Notes,
    ) -> Result<UserLink, CallError> {
        let known = user_attributes(current);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = current.get("id").and_then(text).ok_or_else(|| {
            let call = self.dialect.user_lookup(&user.user_name);
            without_id(&call, 200)
        })?;
        let calls = self.dialect.user_changes(&id, current, user);
        for call in &calls {
            self.client.call(call, CHANGED)?;
        }
        let was_active = known.get("active") == Some(&Value::Bool(true));
        notes
            .events
            .push(match (calls.is_empty(), was_active, user.active) {
                (true, _, _) => "users unchanged",
                (_, true, false) => "users deactivated",
                (_, false, true) => "users reactivated",
                _ => "users updated",
            });
        let manager = known.get(MANAGER).and_then(text);
        Ok(UserLink { id, manager })
    }

    /// Sets the managers, in the pass for references.
    pub(super) fn provision_managers(
        &mut self,
        cycle: &str,
        target: &Directory,
    ) -> Result<(), CutOff> {
        let mut jobs = Vec::new();
        for (number, user) in numbered(&target.users) {
            let manager = user.manager.and_then(|manager| self.links.user(manager));
            let manager = manager.map(|link| link.id.clone());
            let Some(link) = self.links.user(number) else {
                continue;
            };
            if link.manager != manager {
                jobs.push((number, user, link.id.clone(), manager));
            }
        }
        let name = format!("{cycle}: managers");
        let links = self.phase(name, &jobs, |run, (number, user, id, manager)| {
            Outcome::of(&user_subject(user), |notes| {
                let current = run.read_user(id)?;
                let manager = manager.as_deref();
                let call = run.dialect.manager_change(id, &current, manager);
                run.client.call(&call, CHANGED)?;
                notes.events.push("managers set");
                let manager = manager.map(str::to_owned);
                let id = id.clone();
                Ok((*number, UserLink { id, manager }))
            })
        })?;
        for (number, link) in links {
            self.links.put_user(number, link);
        }
        Ok(())
    }

    /// Deletes the users that are linked and no longer in the directory.
    pub(super) fn delete_users(&mut self, cycle: &str, target: &Directory) -> Result<(), CutOff> {
        let mut jobs = Vec::new();
        for (number, link) in numbered(&self.links.users) {
            if target.user(number).is_none() {
                let plan = self.plan;
                let last = plan.second.user(number).or(plan.first.user(number));
                if let Some(user) = last {
                    jobs.push((number, user, link.id.clone()));
                }
            }
        }
        let name = format!("{cycle}: users deleted");
        let gone = self.phase(name, &jobs, |run, (number, user, id)| {
            Outcome::of(&user_subject(user), |notes| {
                run.delete_user(id, user)?;
                notes.events.push("users deleted");
                Ok((*number, user.user_name.clone()))
            })
        })?;
        for (number, name) in gone {
            self.links.user_is_gone(number, &name);
        }
        Ok(())
    }

    /// A user is deactivated before it is deleted.
    fn delete_user(&self, id: &str, user: &User) -> Result<(), CallError> {
        let current = self.read_user(id)?;
        let leaver = User {
            active: false,
            ..user.clone()
        };
        for call in self.dialect.user_changes(id, &current, &leaver) {
            self.client.call(&call, CHANGED)?;
        }
        let call = Call::new(Method::Delete, user_path(id));
        self.client.call(&call, &[204])?;
        Ok(())
    }
}

/// The resources that are there, with their numbers.
pub(super) fn numbered<T>(resources: &[Option<T>]) -> Vec<(usize, &T)> {
    resources
        .iter()
        .enumerate()
        .filter_map(|(number, resource)| Some((number, resource.as_ref()?)))
        .collect()
}

/// RFC 7643 section 3.1: every resource has an id.
pub(super) fn without_id(call: &Call, status: u16) -> CallError {
    CallError::Unusable {
        method: call.method.as_str(),
        path: call.path.clone(),
        status,
        problem: "the resource has no id".to_owned(),
    }
}
