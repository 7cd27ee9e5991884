//! The contract of directories (`scim_provisioning::testing`), kept by both engines. The directory
//! in memory keeps the same one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod model;

use std::process::ExitCode;

use common::{Engine, House, actor, found};
use scim_admin::event::EventQuery;
use scim_admin::people::{GroupInput, PersonInput};
use scim_admin::policy::LinksQuery;
use scim_provisioning::reapply::Job;
use scim_provisioning::testing::{CHECKS, PersonByHand, Subject};
use scim_provisioning::{Configuration, ConfigurationId, Directory, Outcome, ResourceId, RunId};

/// A database that is checked.
struct Database(House);

fn id(text: &str) -> ResourceId {
    ResourceId::parse(text).unwrap()
}

impl Subject for Database {
    fn directory(&self) -> &dyn Directory {
        &*self.0.database
    }

    fn configuration(&self, name: &str) -> Configuration {
        common::configuration(&self.0.admin, name)
    }

    fn add_person(&self, person: PersonByHand<'_>) -> ResourceId {
        let input = PersonInput {
            user_name: person.user_name.to_owned(),
            email: person.email.map(str::to_owned),
            tenant_admin: person.protected,
            role: None,
        };
        let added = self.0.admin.add_person(&actor(), &input).unwrap();
        if let Some(role) = person.role {
            self.0.tamper(&format!(
                "UPDATE users SET admin_role = '{role}' WHERE id = '{added}'"
            ));
        }
        id(&added)
    }

    fn protect(&self, person: ResourceId) {
        self.0.tamper(&format!(
            "UPDATE users SET is_tenant_admin = 1 WHERE id = '{person}'"
        ));
    }

    fn add_account(&self, person: ResourceId) {
        self.0.tamper(&format!(
            "INSERT INTO accounts (id, name, name_key, role, password_hash, created_at, user_id) \
             VALUES ('{person}', '{person}', '{person}', 'administrator', '', 1, '{person}')"
        ));
    }

    fn add_group(&self, name: &str, confers_admin: bool) -> ResourceId {
        let input = GroupInput {
            name: name.to_owned(),
            confers_admin,
        };
        id(&self.0.admin.add_group(&actor(), &input).unwrap())
    }

    fn add_privileged_role(&self, name: &str) {
        let key = name.to_lowercase();
        self.0.tamper(&format!(
            "INSERT INTO reference_values (id, kind, name, name_key, privileged) \
             VALUES ('{key}', 'role', '{name}', '{key}', 1)"
        ));
    }

    fn add_job(&self, job: &Job) {
        let (id, of, actor) = (&job.id, job.configuration, &job.actor);
        let [created, updated] = [job.created, job.updated].map(|at| at.timestamp_millis());
        self.0.tamper(&format!(
            "INSERT INTO jobs (id, configuration_id, total, done, changed, failed, finished, \
             actor, created_at, updated_at, claimed_until) \
             VALUES ('{id}', '{of}', 0, 0, 0, 0, 0, '{actor}', {created}, {updated}, 0)"
        ));
    }

    fn job(&self, id: RunId) -> Option<Job> {
        let configurations = self.0.admin.configurations(None).unwrap();
        let jobs = configurations
            .iter()
            .flat_map(|of| self.0.admin.jobs(of.id).unwrap());
        jobs.into_iter().find(|job| job.id == id)
    }

    fn waiting_links(&self, configuration: ConfigurationId) -> Vec<(ResourceId, String)> {
        let query = LinksQuery::default();
        let links = self.0.admin.link_requests(configuration, &query).unwrap();
        let links = links.into_iter();
        links
            .map(|link| (id(&link.person), link.attribute))
            .collect()
    }

    fn dismiss_links(&self, configuration: ConfigurationId, person: ResourceId) {
        let query = LinksQuery {
            person: Some(person.to_string()),
            ..LinksQuery::default()
        };
        for link in self.0.admin.link_requests(configuration, &query).unwrap() {
            let dismissed = self.0.admin.dismiss_link(&actor(), configuration, &link);
            dismissed.unwrap();
        }
    }

    fn log(&self) -> Vec<(Option<String>, bool)> {
        let entries = found(&self.0, EventQuery::default()).into_iter().rev();
        let failure = Outcome::Failure.as_str();
        entries
            .map(|entry| {
                let open = entry.outcome.as_str() == failure && entry.resolved_at.is_none();
                (entry.reason, open)
            })
            .collect()
    }
}

fn main() -> ExitCode {
    let mut suite = engines::Suite::new();
    for check in CHECKS {
        let run = |engine: &Engine| (check.run)(&Database(House::new(engine)));
        suite.on_both(check.name, run);
    }
    suite.on_both(
        "a_database_answers_as_the_directory_in_memory_does",
        model::a_database_answers_as_the_directory_in_memory_does,
    );
    suite.run()
}
