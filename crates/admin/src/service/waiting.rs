//! What waits for an administrator.

use std::collections::BTreeMap;

use scim_mapping::{Catalog, FieldChange};
use scim_provisioning::directory::{Approval, Status};
use scim_provisioning::event::Event;
use scim_provisioning::{
    Comparison, ConfigurationId, Failure, ResourceId, RunId, RunKind, ServiceProvider,
};
use serde_json::{Value, json};

use super::directory::catalog_for;
use super::runs::run_over;
use super::{Actor, AdminService, entry_of};
use crate::decision;
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::people::MappedPerson;
use crate::policy::{
    Decision, HeldChange, HeldComparison, HeldGroup, LinkRequest, LinksQuery, Which,
};
use crate::store::{AdminStoreExt, Written};

impl AdminService {
    /// What the guard holds of a configuration, in order of time, behind an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn held(
        &self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldChange>, AdminError> {
        let configuration = self.configuration(configuration)?;
        let id = configuration.id;
        self.store.read(|rows| {
            let users = rows.held_users(id, after, limit)?;
            let members = rows.held_members(id, after, limit)?;
            let users = users.iter().map(HeldChange::of_user);
            let mut held: Vec<_> = users
                .chain(members.iter().map(HeldChange::of_member))
                .collect();
            held.sort_by(|one, other| one.id.cmp(&other.id));
            held.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(held)
        })
    }

    /// How many changes the guard holds of a configuration, and the id of the last one.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn held_end(
        &self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), AdminError> {
        let configuration = self.configuration(configuration)?;
        self.store.read(|rows| {
            let (users, last_user) = rows.held_users_end(configuration.id)?;
            let (members, last_member) = rows.held_members_end(configuration.id)?;
            Ok((users + members, last_user.max(last_member)))
        })
    }

    /// What held changes would make of those whom they are about, in the same order.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn compare_held(
        &self,
        configuration: ConfigurationId,
        held: &[HeldChange],
    ) -> Result<Vec<HeldComparison>, AdminError> {
        let id = self.configuration(configuration)?.id;
        let mut users: Vec<&str> = held.iter().map(|change| &*change.user).collect();
        users.sort_unstable();
        users.dedup();
        let leaving = held.iter().filter(|change| change.deleted);
        let leaving: Vec<&str> = leaving.map(|change| &*change.user).collect();
        self.store.read(|rows| {
            let people = rows.people_of(&users)?;
            let catalog = catalog_for(&people, rows)?;
            let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (user, group) in rows.memberships_under(id, &leaving)? {
                groups.entry(user).or_default().push(group);
            }
            let compared = held.iter().map(|change| {
                let leaves = match (&change.group, change.deleted) {
                    (Some(group), _) => vec![group.clone()],
                    (None, true) => groups.get(&change.user).cloned().unwrap_or_default(),
                    (None, false) => Vec::new(),
                };
                let person = people.iter().find(|person| person.id() == change.user);
                let changes = person.map(|person| changed(&catalog, person, change, &leaves));
                HeldComparison {
                    changes: changes.unwrap_or_default(),
                    leaves,
                }
            });
            Ok(compared.collect())
        })
    }

    /// The groups of a configuration of which memberships are held.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn held_groups(
        &self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldGroup>, AdminError> {
        let id = self.configuration(configuration)?.id;
        self.store.read(|rows| Ok(rows.held_groups(id)?))
    }

    /// Carries out or drops what the guard holds, and answers what it was.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when nothing of it is held.
    pub fn decide_held(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        which: Which,
        allow: bool,
    ) -> Result<Vec<HeldChange>, AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let event = match allow {
            true => "held.allowed",
            false => "held.rejected",
        };
        let audit = entry_of(
            actor,
            event,
            &configuration,
            json!({ "users": match &which { Which::All => json!("all"), Which::Users(users) => json!(users) } }),
        );
        let named = match &which {
            Which::Users(users) => users.join(", "),
            Which::All => configuration.name.clone(),
        };
        let at = actor.at;
        let run = run_over(RunKind::HeldDecision, actor, &configuration, at);
        let decision = Decision {
            configuration: configuration.id,
            which,
            allow,
            actor: actor.name.clone(),
            now: at,
            run,
        };
        let decided = self.store.write(move |rows| {
            let decided = decision::carry_out(rows, &configuration, &decision)?;
            Ok(match decided.changes.is_empty() {
                true => Written::Unchanged(decided),
                false => Written::changed(decided, audit.clone()),
            })
        })?;
        if !decided.changes.is_empty() {
            return Ok(decided.changes);
        }
        // Nothing was done, and the log says of whom and why.
        self.store.upkeep(move |rows| {
            for event in &decided.skipped {
                // The run in which nothing was done is none.
                rows.record_event(&Event {
                    run: None,
                    ..event.clone()
                })?;
            }
            Ok(())
        })?;
        Err(AdminError::not_found("held change of", &named))
    }

    /// The links of a configuration that wait, in the order of the ids of their persons.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn link_requests(
        &self,
        configuration: ConfigurationId,
        query: &LinksQuery,
    ) -> Result<Vec<LinkRequest>, AdminError> {
        let configuration = self.configuration(configuration)?;
        self.store
            .read(|rows| Ok(rows.links(configuration.id, query)?))
    }

    /// What links that wait would change of their persons, in the same order.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; what the provider fails with.
    pub fn compare_links(
        &self,
        provider: &ServiceProvider,
        configuration: ConfigurationId,
        links: &[LinkRequest],
    ) -> Result<Vec<Comparison>, AdminError> {
        let configuration = self.configuration(configuration)?.to_provisioning();
        let pairs: Option<Vec<_>> = links
            .iter()
            .map(|link| Some((ResourceId::parse(&link.person)?, &link.document)))
            .collect();
        let pairs = pairs.ok_or_else(|| {
            AdminError::not_found("user of a link of", &configuration.id.to_string())
        })?;
        provider
            .compare(&configuration, &pairs)
            .map_err(|failure| match failure {
                Failure::Store(error) => error.into(),
                refused => Problem::Comparison(refused).refused(),
            })
    }

    /// The link that was chosen among those that wait of a person: the one of an id, or else the only
    /// one there is.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none, or not any more; [`AdminError::Invalid`] when
    /// there are several and none is named.
    pub fn chosen_link(
        &self,
        configuration: ConfigurationId,
        person: &str,
        id: Option<&str>,
    ) -> Result<LinkRequest, AdminError> {
        let query = LinksQuery {
            person: Some(person.to_owned()),
            ..LinksQuery::default()
        };
        let mut waiting = self.link_requests(configuration, &query)?;
        if let Some(id) = id {
            waiting.retain(|link| link.id == id);
        }
        if waiting.len() > 1 {
            return Err(Problem::SeveralLinks.at(InputField::Link));
        }
        let chosen = waiting.pop();
        chosen.ok_or_else(|| AdminError::not_found("link of user", person))
    }

    /// Takes a link from those that wait. It comes back when the identity provider sends the user
    /// with other values; the same ones again change nothing.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when it does not wait any more.
    pub fn dismiss_link(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        link: &LinkRequest,
    ) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let audit = entry_of(
            actor,
            "link.dismissed",
            &configuration,
            json!({ "person": link.person, "userName": link.user_name() }),
        );
        let link = link.clone();
        self.store.write(move |rows| {
            match rows.dismiss_link(configuration.id, &link.id, audit.at)? {
                true => Ok(Written::changed((), audit.clone())),
                false => Err(AdminError::not_found("link of user", &link.person_name)),
            }
        })
    }

    /// The dismissed link of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when it is not dismissed, or not any more.
    pub fn dismissed_link(
        &self,
        configuration: ConfigurationId,
        id: &str,
    ) -> Result<LinkRequest, AdminError> {
        let query = LinksQuery {
            dismissed: true,
            ..LinksQuery::default()
        };
        let dismissed = self.link_requests(configuration, &query)?;
        let found = dismissed.into_iter().find(|link| link.id == id);
        found.ok_or_else(|| AdminError::not_found("dismissed link", id))
    }

    /// Puts a dismissed link back among those that wait.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when it is not dismissed any more.
    pub fn restore_link(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        link: &LinkRequest,
    ) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let audit = entry_of(
            actor,
            "link.restored",
            &configuration,
            json!({ "person": link.person, "userName": link.user_name() }),
        );
        let link = link.clone();
        self.store.write(
            move |rows| match rows.restore_link(configuration.id, &link.id)? {
                true => Ok(Written::changed((), audit.clone())),
                false => Err(AdminError::not_found("dismissed link", &link.id)),
            },
        )
    }

    /// Puts the person of a link that waits under the management of the configuration, as its
    /// identity provider sent them.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] why it is not possible.
    pub fn approve_link(
        &self,
        actor: &Actor,
        provider: &ServiceProvider,
        configuration: ConfigurationId,
        link: &LinkRequest,
    ) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?.to_provisioning();
        let person = ResourceId::parse(&link.person);
        let approval = Approval {
            person: person.ok_or_else(|| AdminError::not_found("user", &link.person))?,
            seen: link.person_version,
            user_name: link.user_name().to_owned(),
            actor: actor.name.clone(),
            source: actor.source.clone(),
            run: RunId::of(actor.uuid()),
        };
        provider
            .link(configuration, link.document.clone(), approval)
            .map_err(|failure| match failure {
                Failure::Store(error) => error.into(),
                refused => Problem::NotLinked {
                    person: link.person_name.clone(),
                    refused,
                }
                .refused(),
            })
    }
}

/// What would change of a person who gets another status, and what groups gave and would not give.
fn changed(
    catalog: &Catalog,
    person: &MappedPerson,
    change: &HeldChange,
    leaves: &[String],
) -> Vec<FieldChange> {
    let now = person.clone().effective(catalog);
    let then = person.clone().without_groups(leaves).effective(catalog);
    let status = change.becomes.map(Status::as_str);
    let mut changes = Vec::new();
    if let Some(status) = status.filter(|status| now.status != *status) {
        changes.push(FieldChange {
            field: "status".to_owned(),
            old: Some(Value::from(&*now.status)),
            new: Some(Value::from(status)),
        });
    }
    let mut keys: Vec<&String> = now.fields.keys().chain(then.fields.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    // Of whom nothing says what they are, they are requesters.
    let kinds = [&now, &then].map(|person| Value::from(person.user_type().as_str()));
    let [kind_now, kind_then] = &kinds;
    for key in keys {
        let (old, new) = match key.as_str() {
            "status" => continue,
            "user_type" => (Some(kind_now), Some(kind_then)),
            key => (now.fields.get(key), then.fields.get(key)),
        };
        if old != new {
            changes.push(FieldChange {
                field: key.clone(),
                old: old.cloned(),
                new: new.cloned(),
            });
        }
    }
    changes
}
