//! What the administrators' service relies on, of every store: the one in memory, SQLite and
//! PostgreSQL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod accounts;
#[path = "../common/mod.rs"]
mod common;
mod configurations;
mod deletions;
mod tables;

use chrono::{DateTime, Duration, SubsecRound, Utc};
use engines::{Engine, Suite};
use scim_admin::account::{Account, PasswordHash, Role};
use scim_admin::api_key::ApiKey;
use scim_admin::declaration::{Change, PlanItem, StoredPlan};
use scim_admin::event::{AuditEntry, AuditQuery};
use scim_admin::item::ItemKind;
use scim_admin::mapping::{DRAFT, MappingVersion};
use scim_admin::memory::MemoryStore;
use scim_admin::people::{NewGroup, NewPerson, PersonUpdate, UserType};
use scim_admin::scope::Scopes;
use scim_admin::session::Session;
use scim_admin::store::{AdminTransaction, AdminUpkeep, DeviceLink, Written};
use scim_admin::survey::{Survey, SurveyKind};
use scim_admin::table::TableVersion;
use scim_admin::token::Retirement;
use scim_admin::{
    AccessToken, AdminError, AdminStore, AdminStoreExt, ConfigurationInput, ConfigurationStatus,
    ProvisioningConfiguration,
};
use scim_feed::{Stream, StreamKind, StreamState};
use scim_mapping::{CustomField, MappingSet, ResourceKind, TableContent};
use scim_persistence::{Database, Settings};
use scim_provisioning::directory::Status;
use scim_provisioning::model::ModelVersion;
use scim_provisioning::reapply::Job;
use scim_provisioning::{ConfigurationId, ResourceId, StoreError};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;
use tempfile::TempDir;

use accounts::*;
use configurations::*;
use deletions::*;
use tables::*;

/// A store without anything in it.
struct Empty {
    store: Arc<dyn AdminStore>,
    _folder: TempDir,
}

impl Empty {
    fn memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            _folder: tempfile::tempdir().unwrap(),
        }
    }

    fn on(engine: &Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            url: common::new_database(engine, &folder),
            base_url: common::BASE.to_owned(),
            connections: 2,
        };
        Self {
            store: Database::open(&settings).unwrap(),
            _folder: folder,
        }
    }

    /// Writes, with an entry in the audit.
    fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn AdminTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AdminError> {
        self.store
            .write(move |rows| Ok(Written::changed(work(rows)?, entry("written"))))
    }

    fn upkeep<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut dyn AdminUpkeep) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.upkeep(move |rows| Ok(work(rows)?)).unwrap()
    }

    fn audited(&self) -> Vec<String> {
        let query = AuditQuery {
            limit: 100,
            ..AuditQuery::default()
        };
        let entries = self.store.read(|rows| Ok(rows.audit_entries(&query)?));
        let entries = entries.unwrap().into_iter().rev();
        entries.map(|(_, entry)| entry.event.into_owned()).collect()
    }

    /// Inserts a configuration and answers it as it is stored.
    fn configuration(&self, name: &str) -> ProvisioningConfiguration {
        let input = ConfigurationInput::fresh();
        let configuration = ProvisioningConfiguration {
            id: ConfigurationId::new(),
            name: name.to_owned(),
            description: String::new(),
            status: ConfigurationStatus::Enabled,
            users: true,
            groups: true,
            identity_provider: input.identity_provider,
            profile: input.profile,
            policies: input.policies,
            networks: Vec::new(),
            model: ModelVersion {
                user: 1,
                group: 1,
                fields: 0,
            },
            guard_reset: None,
            rehearsal: None,
            deletion: None,
            version: 1,
            created: now(),
            last_modified: now(),
        };
        let id = configuration.id;
        self.write(move |rows| rows.insert_configuration(&configuration))
            .unwrap();
        self.found(id)
    }

    fn found(&self, id: ConfigurationId) -> ProvisioningConfiguration {
        let found = self.store.read(|rows| Ok(rows.configuration(id)?));
        found.unwrap().unwrap()
    }

    fn tokens(&self, of: ConfigurationId) -> Vec<AccessToken> {
        self.store.read(|rows| Ok(rows.tokens(of)?)).unwrap()
    }

    fn accounts(&self) -> Vec<Account> {
        self.store.read(|rows| Ok(rows.accounts()?)).unwrap()
    }
}

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

fn entry(event: &'static str) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: "test".to_owned(),
        source: None,
        event: event.into(),
        object: "test".to_owned(),
        configuration: None,
        details: json!({}),
    }
}

fn account(name: &str) -> Account {
    Account {
        id: format!("id of {name}"),
        name: name.to_owned(),
        role: Role::Administrator,
        password: PasswordHash::none(),
        created: now(),
        failures: 0,
        failed: None,
        openid: None,
        person: None,
    }
}

fn api_key(name: &str) -> ApiKey {
    ApiKey {
        id: format!("id of {name}"),
        name: name.to_owned(),
        role: Role::Auditor,
        scopes: Scopes::of(Role::Auditor),
        hash: format!("hash of {name}"),
        created: now(),
        expires: now() + Duration::days(1),
        revoked: None,
        made_by: None,
        account: None,
    }
}

fn person(name: &str) -> NewPerson {
    NewPerson {
        id: ResourceId::new(),
        user_name: name.to_owned(),
        email: None,
        tenant_admin: false,
        admin_role: None,
        given_role: Some("Approver".to_owned()),
    }
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, AdminError>) -> bool {
    matches!(result, Err(AdminError::Store(StoreError::Conflict { .. })))
}

fn is_stale<T: std::fmt::Debug>(result: &Result<T, AdminError>) -> bool {
    matches!(result, Err(AdminError::Stale))
}

/// The battery, for each store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        fn main() -> ExitCode {
            let mut suite = Suite::new();
            $(
                suite.once(concat!("memory::", stringify!($name)), || $name(&Empty::memory()));
                suite.on_both(stringify!($name), |engine| $name(&Empty::on(engine)));
            )*
            suite.run()
        }
    };
}

on_every_store!(
    a_write_leaves_its_entry_and_one_that_fails_or_changes_nothing_leaves_nothing,
    accounts_have_names_of_their_own_without_regard_to_case,
    what_hangs_on_an_account_goes_with_it,
    sessions_are_used_and_forgotten_without_an_entry,
    a_key_is_revoked_once,
    a_configuration_is_written_by_whoever_saw_it_last,
    a_token_that_is_revoked_never_changes_again,
    authority_changes_with_who_may_speak_and_not_with_who_does,
    a_use_of_a_token_is_noted_and_its_first_one_known,
    the_end_of_a_token_is_noted_once,
    tokens_are_found_by_the_keys_that_made_them,
    versions_of_a_mapping_are_listed_with_the_draft_last,
    each_change_of_the_fields_is_counted,
    tables_are_kept_in_versions_and_go_together,
    one_at_a_time_works_on_a_job,
    what_is_being_deleted_is_changed_by_nobody,
    a_survey_is_asked_for_once_and_keeps_what_came_of_the_last,
    a_person_keeps_the_name_and_a_tenant_admin_everything,
    an_account_is_as_open_as_its_person_is_active,
    a_plan_is_kept_under_its_digest_for_a_time,
    a_stream_gets_another_key_as_it_was_seen,
);
