//! People and groups as administrators read and change them.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use scim_admin::people::{
    GroupFacts, GroupState, GroupSummary, GroupsQuery, ManagedCounts, MappedPerson, Member,
    Membership, NewGroup, NewPerson, PeopleQuery, PersonFacts, PersonState, PersonUpdate, UserType,
};
use scim_admin::store::{ReadPeople, WritePeople};
use scim_mapping::Role;
use scim_provisioning::directory::Status;
use scim_provisioning::{ConfigurationId, ResourceId, ResourceKind, StoreError};
use serde_json::Value;

use super::directory;
use super::{AdminRows, held, there};

use crate::connection::Connection;
use crate::error::{failed, unreadable};
use crate::held::protected;
use crate::key::Key;
use crate::nodes::locked;
use crate::schema::{
    group_grants, group_members, groups, held_changes, link_candidates, manual_grants, users,
};
use crate::time::millis;
use crate::totals::Totals;
use crate::users::status;
use crate::values::{Word, all_of, coalesce};
use crate::{held_members, links, members, people, references};

/// What is read of somebody, or of a group; what is `named` is the manager, or the rule.
#[derive(Queryable)]
struct DetailRow {
    managed_by: Option<String>,
    external_id: Option<String>,
    named: Option<String>,
    scim_document: String,
}

impl DetailRow {
    fn configuration(&self) -> Option<ConfigurationId> {
        ConfigurationId::parse(self.managed_by.as_deref()?)
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.scim_document).unwrap_or_default()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct StateRow {
    status: String,
    user_type: String,
    managed_by: Option<String>,
    left_at: Option<i64>,
    is_tenant_admin: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = groups)]
struct GroupStateRow {
    managed_by: Option<String>,
    confers_admin: i32,
}

impl ReadPeople for AdminRows<'_> {
    fn people(&mut self, query: &PeopleQuery) -> Result<Vec<MappedPerson>, StoreError> {
        directory::people(self.connection, query)
    }

    fn person(&mut self, id: &str) -> Result<Option<MappedPerson>, StoreError> {
        directory::person(self.connection, id)
    }

    fn people_of(&mut self, ids: &[&str]) -> Result<Vec<MappedPerson>, StoreError> {
        directory::people_of(self.connection, ids)
    }

    fn memberships_under(
        &mut self,
        configuration: ConfigurationId,
        ids: &[&str],
    ) -> Result<Vec<(String, String)>, StoreError> {
        directory::memberships_under(self.connection, configuration, ids)
    }

    fn person_facts(&mut self, id: &str) -> Result<Option<PersonFacts>, StoreError> {
        let manager = diesel::alias!(users as manager);
        let details = users::table
            .left_join(manager.on(manager.field(users::id).nullable().eq(users::manager_id)))
            .filter(users::id.eq(id))
            .select((
                users::managed_by,
                users::external_id,
                manager.field(users::user_name).nullable(),
                users::scim_document,
            ));
        let Some(row) = self.connection.first::<DetailRow, _>(details)? else {
            return Ok(None);
        };
        let groups = group_members::table
            .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
            .filter(group_members::member_id.eq(id))
            .order((groups::name_key, groups::id))
            .limit(MEMBERSHIPS)
            .select((groups::id, groups::name, groups::kind));
        let groups: Vec<(String, String, String)> = self.connection.load(groups)?;
        Ok(Some(PersonFacts {
            configuration: row.configuration(),
            document: row.document(),
            external_id: row.external_id,
            manager_name: row.named,
            groups: groups
                .into_iter()
                .map(|(id, name, kind)| Membership { id, name, kind })
                .collect(),
        }))
    }

    fn roles(&mut self) -> Result<Vec<Role>, StoreError> {
        references::roles(self.connection)
    }

    fn groups(&mut self, query: &GroupsQuery) -> Result<Vec<GroupSummary>, StoreError> {
        directory::groups(self.connection, query)
    }

    fn group(&mut self, id: &str) -> Result<Option<GroupSummary>, StoreError> {
        directory::group(self.connection, id)
    }

    fn group_facts(&mut self, id: &str) -> Result<Option<GroupFacts>, StoreError> {
        let details = groups::table.find(id).select((
            groups::managed_by,
            groups::external_id,
            groups::rule_key,
            groups::scim_document,
        ));
        let Some(row) = self.connection.first::<DetailRow, _>(details)? else {
            return Ok(None);
        };
        let grants = group_grants::table
            .filter(group_grants::group_id.eq(id))
            .order((group_grants::field, group_grants::value))
            .select((group_grants::field, group_grants::value));
        let grants: Vec<(String, String)> = self.connection.load(grants)?;
        Ok(Some(GroupFacts {
            configuration: row.configuration(),
            document: row.document(),
            external_id: row.external_id,
            rule: row.named,
            grants,
        }))
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError> {
        let name = coalesce(users::user_name.nullable(), groups::name.nullable());
        let members = group_members::table
            .left_join(users::table.on(users::id.eq(group_members::member_id)))
            .left_join(groups::table.on(groups::id.eq(group_members::member_id)))
            .filter(group_members::group_id.eq(group))
            // Every id is behind the empty text.
            .filter(group_members::member_id.gt(after.unwrap_or_default()))
            .order(group_members::member_id)
            .limit(limit)
            .select((group_members::member_id, group_members::member_kind, name));
        let rows: Vec<(String, String, Option<String>)> = self.connection.load(members)?;
        let member = |(id, kind, name)| Member { id, kind, name };
        Ok(rows.into_iter().map(member).collect())
    }

    fn managed_counts(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<ManagedCounts, StoreError> {
        counts(self.connection, configuration)
    }
}

impl WritePeople for AdminRows<'_> {
    fn insert_person(&mut self, person: &NewPerson, at: DateTime<Utc>) -> Result<(), StoreError> {
        let (id, key) = (person.id.to_string(), key(&person.user_name));
        let insert = diesel::insert_into(users::table).values((
            users::id.eq(&id),
            users::user_name.eq(&person.user_name),
            users::user_name_key.eq(&key),
            users::display_key.eq(&key),
            users::email.eq(&person.email),
            users::email_key.eq(person.email.as_deref().map(self::key)),
            users::status.eq(Status::Active.as_str()),
            users::is_tenant_admin.eq(i32::from(person.tenant_admin)),
            users::admin_role.eq(&person.admin_role),
            users::version.eq(1),
            users::created_at.eq(millis(at)),
            users::updated_at.eq(millis(at)),
        ));
        self.connection.execute(insert)?;
        if let Some(role) = &person.given_role {
            let insert = diesel::insert_into(manual_grants::table).values((
                manual_grants::user_id.eq(&id),
                manual_grants::field.eq("roles"),
                manual_grants::value.eq(role),
            ));
            self.connection.execute(insert)?;
        }
        Ok(())
    }

    fn lock_person(&mut self, id: &str) -> Result<Option<PersonState>, StoreError> {
        let state = users::table.find(id).select(StateRow::as_select());
        let state = locked(self.connection, state);
        let row: Option<StateRow> = self.connection.first(state)?;
        row.map(|row| {
            Ok(PersonState {
                status: status(&row.status)?,
                user_type: UserType::parse(&row.user_type)
                    .ok_or_else(|| unreadable("users.user_type"))?,
                managed: row.managed_by.is_some(),
                left: row.left_at.is_some(),
                protected: row.is_tenant_admin != 0,
            })
        })
        .transpose()
    }

    fn update_person(
        &mut self,
        id: &str,
        update: PersonUpdate,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let whom = users::id.eq(id);
        let counted = (
            users::version.eq(users::version + 1),
            users::updated_at.eq(millis(at)),
        );
        let connection = &mut *self.connection;
        let changed = match update {
            PersonUpdate::Status(status) => {
                people::change!(
                    connection,
                    whom,
                    (users::status.eq(status.as_str()), counted)
                )
            }
            PersonUpdate::UserType(user_type) => {
                let user_type = users::user_type.eq(user_type.as_str());
                people::change!(connection, whom, (user_type, counted))
            }
            PersonUpdate::TenantAdmin => {
                people::change!(connection, whom, (users::is_tenant_admin.eq(1), counted))
            }
            PersonUpdate::Release => {
                let released = (
                    users::managed_by.eq(None::<String>),
                    users::left_at.eq(None::<i64>),
                    users::purge_at.eq(None::<i64>),
                    users::held.eq(0),
                );
                people::change!(connection, whom, (released, counted))
            }
            // Nothing is written of what is not known here.
            unknown => return Err(failed(format!("{unknown:?} is not written of people"))),
        };
        let changed = changed > 0;
        if changed && update == PersonUpdate::Release {
            let held = held_changes::table.filter(held_changes::user_id.eq(id));
            self.connection.execute(diesel::delete(held))?;
        }
        Ok(changed)
    }

    fn insert_group(&mut self, group: &NewGroup, at: DateTime<Utc>) -> Result<(), StoreError> {
        let insert = diesel::insert_into(groups::table).values((
            groups::id.eq(group.id.to_string()),
            groups::name.eq(&group.name),
            groups::name_key.eq(key(&group.name)),
            groups::confers_admin.eq(i32::from(group.confers_admin)),
            groups::version.eq(1),
            groups::created_at.eq(millis(at)),
            groups::updated_at.eq(millis(at)),
        ));
        self.connection.execute(insert).map(drop)
    }

    fn lock_group(&mut self, id: &str) -> Result<Option<GroupState>, StoreError> {
        let state = groups::table.find(id).select(GroupStateRow::as_select());
        let state = locked(self.connection, state);
        let row: Option<GroupStateRow> = self.connection.first(state)?;
        Ok(row.map(|row| GroupState {
            managed: row.managed_by.is_some(),
            confers_admin: row.confers_admin != 0,
        }))
    }

    fn release_group(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        // What confers a right is changed by nothing, whatever was looked up before.
        let open = groups::table.find(id).filter(groups::confers_admin.eq(0));
        let release = diesel::update(open).set((
            groups::managed_by.eq(None::<String>),
            groups::version.eq(groups::version + 1),
            groups::updated_at.eq(millis(at)),
        ));
        there(self.connection.execute(release)?)?;
        held_members::release(self.connection, id)
    }

    fn insert_member(
        &mut self,
        group: &str,
        person: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let id = |text: &str| ResourceId::parse(text).ok_or(StoreError::Stale);
        let joining = [(id(person)?, ResourceKind::User)];
        let added = members::add(self.connection, id(group)?, &joining, at)?;
        Ok(!added.is_empty())
    }

    fn touch_managed_groups_of(
        &mut self,
        member: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let of_member = group_members::table
            .filter(group_members::member_id.eq(member))
            .select(group_members::group_id);
        let shown = groups::table
            .filter(groups::managed_by.is_not_null())
            .filter(groups::id.eq_any(of_member));
        let touch = diesel::update(shown).set((
            groups::version.eq(groups::version + 1),
            groups::updated_at.eq(millis(at)),
        ));
        self.connection.execute(touch).map(drop)
    }
}

fn counts(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<ManagedCounts, StoreError> {
    let id = configuration.to_string();
    let totals = Totals::of(connection, configuration)?;
    let held = held_changes::table
        .filter(held_changes::configuration_id.eq(&id))
        .filter(held_changes::user_id.ne_all(protected()))
        .select((Word("held"), count_star()));
    let waiting = links::waiting!()
        .filter(link_candidates::dismissed_at.is_null())
        .filter(link_candidates::configuration_id.eq(&id))
        .select((Word("links"), count_star()));
    let rows: Vec<(String, i64)> = connection.load(all_of(held, waiting))?;
    let of = |name: &str| {
        let found = rows.iter().find(|(of, _)| of == name);
        found.map(|(_, number)| *number).unwrap_or_default()
    };
    let number = |total: u64| i64::try_from(total).unwrap_or(i64::MAX);
    Ok(ManagedCounts {
        active: number(totals.with_status("active")),
        blocked: number(totals.with_status("blocked")),
        archived: number(totals.with_status("archived")),
        groups: number(totals.visible(ResourceKind::Group)),
        held: of("held") + held::members_end(connection, configuration)?.0,
        links: of("links"),
    })
}

/// How many groups of a person are shown.
const MEMBERSHIPS: i64 = 100;

/// The text by which a name is found without regard to case.
fn key(name: &str) -> String {
    Key::of(name).as_str().to_owned()
}
