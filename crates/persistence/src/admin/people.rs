//! People and groups as administrators read and change them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::people::{
    GroupFacts, GroupState, GroupSummary, GroupsQuery, ManagedCounts, MappedPerson, Member,
    Membership, NewGroup, NewPerson, PeopleQuery, PersonFacts, PersonState, PersonUpdate, UserType,
};
use scim_admin::store::{ReadPeople, WritePeople};
use scim_mapping::Role;
use scim_provisioning::{ConfigurationId, ResourceId, ResourceKind, StoreError};
use serde_json::Value;

use super::directory::{self, page};
use super::{AdminRows, held};

use crate::connection::Connection;
use crate::held::PROTECTED;
use crate::key::Key;
use crate::time::millis;
use crate::totals::Totals;
use crate::users::status;
use crate::{held_members, members, people, references};

#[derive(diesel::QueryableByName)]
struct DetailRow {
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    named: Option<String>,
    #[diesel(sql_type = Text)]
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

#[derive(diesel::QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Text)]
    user_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    left_at: Option<i64>,
    #[diesel(sql_type = Integer)]
    is_tenant_admin: i32,
}

#[derive(diesel::QueryableByName)]
struct GroupStateRow {
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = Integer)]
    confers_admin: i32,
}

#[derive(diesel::QueryableByName)]
struct NamedRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl ReadPeople for AdminRows<'_> {
    fn people(&mut self, query: &PeopleQuery) -> Result<Vec<MappedPerson>, StoreError> {
        directory::people(self.connection, query)
    }

    fn person(&mut self, id: &str) -> Result<Option<MappedPerson>, StoreError> {
        directory::person(self.connection, id)
    }

    fn person_facts(&mut self, id: &str) -> Result<Option<PersonFacts>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT u.managed_by, u.external_id, m.user_name AS named, u.scim_document \
             FROM users u LEFT JOIN users m ON m.id = u.manager_id WHERE u.id = ",
        );
        sql.bind(id);
        let Some(row) = self.connection.row::<DetailRow>(&sql)? else {
            return Ok(None);
        };
        let mut sql = self.connection.sql(
            "SELECT g.id, g.name, g.kind FROM group_members m JOIN groups g ON g.id = m.group_id \
             WHERE m.member_id = ",
        );
        sql.bind(id).push(" ORDER BY g.name_key, g.id LIMIT ");
        sql.bind(MEMBERSHIPS);
        let groups = self.connection.rows::<NamedRow>(&sql)?.into_iter();
        Ok(Some(PersonFacts {
            configuration: row.configuration(),
            document: row.document(),
            external_id: row.external_id,
            manager_name: row.named,
            groups: groups
                .map(|group| Membership {
                    id: group.id,
                    name: group.name.unwrap_or_default(),
                    kind: group.kind,
                })
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
        let mut sql = self.connection.sql(
            "SELECT managed_by, external_id, rule_key AS named, scim_document FROM groups \
             WHERE id = ",
        );
        sql.bind(id);
        let Some(row) = self.connection.row::<DetailRow>(&sql)? else {
            return Ok(None);
        };
        let mut sql = self.connection.sql(
            "SELECT field AS kind, value AS id, NULL AS name FROM group_grants WHERE group_id = ",
        );
        sql.bind(id).push(" ORDER BY 1, 2");
        let grants = self.connection.rows::<NamedRow>(&sql)?.into_iter();
        Ok(Some(GroupFacts {
            configuration: row.configuration(),
            document: row.document(),
            external_id: row.external_id,
            rule: row.named,
            grants: grants.map(|grant| (grant.kind, grant.id)).collect(),
        }))
    }

    fn members(
        &mut self,
        group: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Member>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT m.member_id AS id, m.member_kind AS kind, \
             COALESCE(u.user_name, g.name) AS name \
             FROM group_members m LEFT JOIN users u ON u.id = m.member_id \
             LEFT JOIN groups g ON g.id = m.member_id WHERE m.group_id = ",
        );
        sql.bind(group);
        page(&mut sql, "m.member_id", after, limit);
        let rows = self.connection.rows::<NamedRow>(&sql)?.into_iter();
        Ok(rows
            .map(|row| Member {
                id: row.id,
                kind: row.kind,
                name: row.name,
            })
            .collect())
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
        let id = person.id.to_string();
        let mut sql = self.connection.sql(
            "INSERT INTO users (id, user_name, user_name_key, display_key, email, email_key, \
             status, is_tenant_admin, admin_role, version, created_at, updated_at) VALUES (",
        );
        sql.bind(&id).push(", ").bind(&person.user_name);
        sql.push(", ").bind(Key::of(&person.user_name));
        sql.push(", ").bind(Key::of(&person.user_name));
        sql.push(", ").bind(person.email.clone());
        sql.push(", ").bind(person.email.as_deref().map(Key::of));
        sql.push(", 'active', ").bind(person.tenant_admin);
        sql.push(", ").bind(person.admin_role.clone());
        sql.push(", 1, ").bind(millis(at)).push(", ");
        sql.bind(millis(at)).push(")");
        self.connection.execute(&sql)?;
        if let Some(role) = &person.given_role {
            let mut sql = self
                .connection
                .sql("INSERT INTO manual_grants (user_id, field, value) VALUES (");
            sql.bind(&id).push(", 'roles', ").bind(role).push(")");
            self.connection.execute(&sql)?;
        }
        Ok(())
    }

    fn lock_person(&mut self, id: &str) -> Result<Option<PersonState>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT status, user_type, managed_by, left_at, \
             CAST(is_tenant_admin AS INTEGER) AS is_tenant_admin FROM users WHERE id = ",
        );
        sql.bind(id).for_update();
        let row: Option<StateRow> = self.connection.row(&sql)?;
        Ok(row.map(|row| PersonState {
            status: status(&row.status),
            user_type: UserType::parse(&row.user_type).unwrap_or(UserType::Requester),
            managed: row.managed_by.is_some(),
            left: row.left_at.is_some(),
            protected: row.is_tenant_admin != 0,
        }))
    }

    fn update_person(
        &mut self,
        id: &str,
        update: PersonUpdate,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let changed = people::set(self.connection, id, |sql| {
            match update {
                PersonUpdate::Status(status) => sql.push("status = ").bind(status.as_str()),
                PersonUpdate::UserType(user_type) => {
                    sql.push("user_type = ").bind(user_type.as_str())
                }
                PersonUpdate::TenantAdmin => sql.push("is_tenant_admin = 1"),
                _ => sql.push("managed_by = NULL, left_at = NULL, purge_at = NULL, held = 0"),
            };
            sql.push(", version = version + 1, updated_at = ")
                .bind(millis(at));
        })?;
        if changed && update == PersonUpdate::Release {
            let mut sql = self
                .connection
                .sql("DELETE FROM held_changes WHERE user_id = ");
            sql.bind(id);
            self.connection.execute(&sql)?;
        }
        Ok(changed)
    }

    fn insert_group(&mut self, group: &NewGroup, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "INSERT INTO groups (id, name, name_key, confers_admin, version, created_at, \
             updated_at) VALUES (",
        );
        sql.bind(group.id.to_string()).push(", ").bind(&group.name);
        sql.push(", ").bind(Key::of(&group.name));
        sql.push(", ").bind(group.confers_admin);
        sql.push(", 1, ").bind(millis(at));
        sql.push(", ").bind(millis(at)).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn lock_group(&mut self, id: &str) -> Result<Option<GroupState>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT managed_by, CAST(confers_admin AS INTEGER) AS confers_admin FROM groups \
             WHERE id = ",
        );
        sql.bind(id).for_update();
        let row: Option<GroupStateRow> = self.connection.row(&sql)?;
        Ok(row.map(|row| GroupState {
            managed: row.managed_by.is_some(),
            confers_admin: row.confers_admin != 0,
        }))
    }

    fn release_group(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE groups SET managed_by = NULL, version = version + 1, updated_at = ");
        sql.bind(millis(at)).push(" WHERE id = ").bind(id);
        // What confers a right is changed by nothing, whatever was looked up before.
        sql.push(" AND confers_admin = 0");
        if self.connection.execute(&sql)? == 0 {
            return Err(StoreError::Stale);
        }
        held_members::release(self.connection, "group_id", id)
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
        let mut sql = self
            .connection
            .sql("UPDATE groups SET version = version + 1, updated_at = ");
        sql.bind(millis(at)).push(
            " WHERE managed_by IS NOT NULL AND id IN \
             (SELECT group_id FROM group_members WHERE member_id = ",
        );
        sql.bind(member).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }
}

fn counts(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<ManagedCounts, StoreError> {
    let id = configuration.to_string();
    let totals = Totals::of(connection, configuration)?;
    let mut sql = connection.sql(
        "SELECT 'held' AS name, count(*) AS number FROM held_changes WHERE configuration_id = ",
    );
    sql.bind(&id);
    sql.push(&format!(" AND user_id NOT IN ({PROTECTED})"));
    sql.push(" UNION ALL SELECT 'links', count(*) FROM link_candidates WHERE dismissed_at IS NULL AND configuration_id = ");
    sql.bind(&id);
    sql.push(&format!(" AND person_id NOT IN ({PROTECTED})"));
    let rows: Vec<CountRow> = connection.rows(&sql)?;
    let of = |name: &str| {
        let found = rows.iter().find(|row| row.name == name);
        found.map(|row| row.number).unwrap_or_default()
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
