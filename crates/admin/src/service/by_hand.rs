//! What administrators add to the directory by hand.

use scim_mapping::{Catalog, RoleProblem};
use scim_provisioning::ResourceId;
use serde_json::json;
use validator::Validate;

use super::{Actor, AdminService, entry, taken};
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::people::{GroupInput, NewGroup, NewPerson, PersonInput, PersonUpdate};
use crate::store::{AdminStoreExt, Written};

impl AdminService {
    /// Adds a person by hand and answers the id.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`].
    pub fn add_person(&self, actor: &Actor, input: &PersonInput) -> Result<String, AdminError> {
        let actor = &self.act(actor);
        input.validate()?;
        let roles = self.roles()?;
        let problem = input.role.as_ref().map(|role| roles.check(role));
        if let Some(role) = &input.role
            && problem == Some(Err(RoleProblem::Unknown))
        {
            return Err(Problem::UnknownRole { role: role.clone() }.at(InputField::Role));
        }
        let audit = entry(
            actor,
            "person.created",
            &input.user_name,
            json!({ "tenantAdmin": input.tenant_admin, "role": input.role }),
        );
        // A role that is privileged is an administrative one; another one is given as by a group.
        let privileged = problem == Some(Err(RoleProblem::Privileged));
        let role = |administrative| input.role.clone().filter(|_| privileged == administrative);
        let person = NewPerson {
            id: ResourceId::of(actor.uuid()),
            user_name: input.user_name.trim().to_owned(),
            email: input.email.clone(),
            tenant_admin: input.tenant_admin,
            admin_role: role(true),
            given_role: role(false),
        };
        let author = actor.author();
        self.store.write(move |rows| {
            rows.speak_as(&author)?;
            let inserted = rows.insert_person(&person, audit.at);
            inserted.map_err(|error| taken(error, &person.user_name))?;
            Ok(Written::changed(person.id.to_string(), audit.clone()))
        })
    }

    /// Adds a group by hand and answers the id.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub fn add_group(&self, actor: &Actor, input: &GroupInput) -> Result<String, AdminError> {
        let actor = &self.act(actor);
        input.validate()?;
        let details = json!({ "confersAdmin": input.confers_admin });
        let audit = entry(actor, "group.created", &input.name, details);
        let group = NewGroup {
            id: ResourceId::of(actor.uuid()),
            name: input.name.trim().to_owned(),
            confers_admin: input.confers_admin,
        };
        let author = actor.author();
        self.store.write(move |rows| {
            rows.speak_as(&author)?;
            rows.insert_group(&group, audit.at)?;
            Ok(Written::changed(group.id.to_string(), audit.clone()))
        })
    }

    /// Puts a person into a group by hand. Whoever joins a group that confers an administrative
    /// right is a tenant admin from then on.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when the person is in it already.
    pub fn add_member(&self, actor: &Actor, group: &str, person: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (group, person) = (self.group(group)?.group, self.person(person)?.person);
        let details =
            json!({ "group": group.id, "person": person.id, "userName": person.user_name });
        let audit = entry(actor, "group.member_added", &group.name, details);
        let author = actor.author();
        self.store.write(move |rows| {
            rows.speak_as(&author)?;
            let confers_admin = rows
                .lock_group(&group.id)?
                .ok_or(AdminError::Stale)?
                .confers_admin;
            if !rows.insert_member(&group.id, &person.id, audit.at)? {
                return Err(Problem::MemberAlready {
                    person: person.user_name.clone(),
                    group: group.name.clone(),
                }
                .refused());
            }
            let joined = rows.person(&person.id)?.ok_or(AdminError::Stale)?;
            let joined = joined.effective(&Catalog::default());
            let state = rows.lock_person(&person.id)?.ok_or(AdminError::Stale)?;
            // Whoever planned a change of the members before has to look again; but the identity
            // provider learns nothing of a member whom it does not see.
            if joined.managed_by == group.managed_by && !state.protected && !state.left {
                let id = ResourceId::parse(&group.id).ok_or(AdminError::Stale)?;
                rows.touch_group(id, audit.at)?;
            }
            if confers_admin {
                rows.update_person(&person.id, PersonUpdate::TenantAdmin, audit.at)?;
                // The person is in none of them any more, as their configuration sees it.
                rows.touch_managed_groups_of(&person.id, audit.at)?;
            }
            Ok(Written::changed((), audit.clone()))
        })
    }
}
