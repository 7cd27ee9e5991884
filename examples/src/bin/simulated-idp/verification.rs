//! Reading everything back, and comparing it with the directory.

use scim_client::Method;
use serde_json::Value;

use crate::client::{Call, CallError};
use crate::comparison::compare;
use crate::cycle::{CutOff, Outcome, Run};
use crate::dialect::{Probe, Wanted, group_path, user_path};
use crate::finding::Finding;
use crate::list::{List, query, read_all, understood};
use crate::model::Directory;

impl Run<'_> {
    /// Sends the requests of the connection test.
    ///
    /// # Errors
    /// [`CallError`] of the first request that fails: without a connection nothing else is tried.
    pub(crate) fn test_connection(&mut self) -> Result<(), CallError> {
        let probes = self.dialect.probes();
        let name = "connection test".to_owned();
        let phase = self.progress.phase(name, probes.len());
        for Probe { call, wanted } in probes {
            let answer = self.client.call(&call, &[200])?;
            let problem = match wanted {
                Wanted::Configuration => configuration_problem(&answer.body),
                Wanted::List => understood(&call, answer).map(|_| None)?,
                Wanted::EmptyList => not_empty(&understood(&call, answer)?),
            };
            if let Some(problem) = problem {
                let finding = Finding::new("connection test", &call.path, "success", &problem);
                self.findings.push(finding);
            }
            phase.step();
        }
        self.phases.push(phase.finish(self.client.take_samples()));
        Ok(())
    }

    /// Compares the directory with what the service provider answers.
    ///
    /// # Errors
    /// [`CutOff`], when the server stops answering; differences are findings.
    pub(crate) fn verify(&mut self, cycle: &str, target: &Directory) -> Result<(), CutOff> {
        let users = self.read_back(cycle, "Users");
        let groups = self.read_back(cycle, "Groups");
        if let (Some(users), Some(groups)) = (users, groups) {
            let findings = compare(target, &self.links, &users, &groups);
            self.findings.extend(findings);
        }
        self.verify_absence(cycle)?;
        self.verify_memberships(cycle, target)
    }

    fn read_back(&mut self, cycle: &str, endpoint: &str) -> Option<Vec<Value>> {
        let phase = self
            .progress
            .phase(format!("{cycle}: reading {endpoint}"), 0);
        let result = read_all(self.client, endpoint, |read, total| {
            phase.reach(read, total)
        });
        self.phases.push(phase.finish(self.client.take_samples()));
        result
            .map_err(|error| {
                let finding = Finding::refused(&format!("reading {endpoint}"), &error);
                self.findings.push(finding);
            })
            .ok()
    }

    /// What was deleted answers 404 (RFC 7644 section 3.6).
    fn verify_absence(&mut self, cycle: &str) -> Result<(), CutOff> {
        let users = self.links.gone_users.iter();
        let groups = self.links.gone_groups.iter();
        let jobs: Vec<(String, String)> = users
            .map(|gone| (format!("deleted user {}", gone.name), user_path(&gone.id)))
            .chain(
                groups.map(|gone| (format!("deleted group {}", gone.name), group_path(&gone.id))),
            )
            .collect();
        let name = format!("{cycle}: absence");
        self.phase(name, &jobs, |run, (subject, path)| {
            Outcome::of(subject, |_| {
                let call = Call::new(Method::Get, path.clone());
                run.client.call(&call, &[404])
            })
        })?;
        Ok(())
    }

    /// Asks for one member and one other user of each group, the way the dialect does.
    fn verify_memberships(&mut self, cycle: &str, target: &Directory) -> Result<(), CutOff> {
        let mut jobs = Vec::new();
        for (number, group) in target.groups.iter().enumerate() {
            let (Some(group), Some(link)) = (group, self.links.group(number)) else {
                continue;
            };
            let others = (0..target.users.len()).find(|user| !group.members.contains(user));
            let samples = [(group.members.first().copied(), 1), (others, 0)];
            for (user, expected) in samples {
                let Some(user) = user.and_then(|user| self.links.user(user)) else {
                    continue;
                };
                if let Some(call) = self.dialect.membership_lookup(&link.id, &user.id) {
                    jobs.push((group.display_name.as_str(), call, expected));
                }
            }
        }
        let name = format!("{cycle}: membership lookups");
        self.phase(name, &jobs, |run, (group, call, expected)| {
            Outcome::of(&format!("group {group:?}"), |notes| {
                let total = query(run.client, call)?.total;
                if total != *expected {
                    let expected = format!("{expected} results");
                    let found = format!("{total}");
                    let finding = Finding::new(group, &call.path, &expected, &found);
                    notes.findings.push(finding);
                }
                Ok(())
            })
        })?;
        Ok(())
    }
}

fn not_empty(list: &List) -> Option<String> {
    (list.total != 0 || !list.resources.is_empty())
        .then(|| format!("{} results for a random name", list.total))
}

/// RFC 7643 section 5: what a client reads first.
fn configuration_problem(body: &Value) -> Option<String> {
    let at = |pointer: &str| body.pointer(pointer);
    if at("/patch/supported") != Some(&Value::Bool(true)) {
        return Some("PATCH is not supported".to_owned());
    }
    if at("/filter/supported") != Some(&Value::Bool(true)) {
        return Some("filters are not supported".to_owned());
    }
    if !at("/filter/maxResults").is_some_and(Value::is_u64) {
        return Some("filter.maxResults is not a number".to_owned());
    }
    if !at("/authenticationSchemes").is_some_and(Value::is_array) {
        return Some("authenticationSchemes is not a list".to_owned());
    }
    None
}
