//! People and groups as administrators read and change them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::people::{
    GroupFacts, GroupState, GroupSummary, GroupsQuery, ManagedCounts, MappedPerson, Member,
    Membership, NewGroup, NewPerson, PeopleQuery, PersonFacts, PersonState, PersonUpdate, UserType,
};
use scim_admin::store::{ReadPeople, WritePeople};
use scim_mapping::Role;
use scim_provisioning::directory::Status;
use scim_provisioning::{ConfigurationId, ResourceId, ResourceKind, StoreError};
use serde_json::Value;

use super::directory::{self, page};
use super::{AdminRows, held, there};

use crate::connection::Connection;
use crate::error::{failed, unreadable};
use crate::held::PROTECTED;
use crate::key::Key;
use crate::nodes::locked;
use crate::schema::{group_members, groups, held_changes, manual_grants, users};
use crate::time::millis;
use crate::totals::Totals;
use crate::users::status;
use crate::{held_members, links, members, people, references};

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
        let (set, value) = match update {
            PersonUpdate::Status(status) => ("status = ", Some(status.as_str())),
            PersonUpdate::UserType(user_type) => ("user_type = ", Some(user_type.as_str())),
            PersonUpdate::TenantAdmin => ("is_tenant_admin = 1", None),
            PersonUpdate::Release => (
                "managed_by = NULL, left_at = NULL, purge_at = NULL, held = 0",
                None,
            ),
            // Nothing is written of what is not known here.
            unknown => return Err(failed(format!("{unknown:?} is not written of people"))),
        };
        let changed = people::set(self.connection, id, |sql| {
            sql.push(set);
            if let Some(value) = value {
                sql.bind(value);
            }
            sql.push(", version = version + 1, updated_at = ")
                .bind(millis(at));
        })?;
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
        held_members::release(self.connection, &held_members::Unmanaged::In(id))
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
    let mut sql = connection.sql(
        "SELECT 'held' AS name, count(*) AS number FROM held_changes WHERE configuration_id = ",
    );
    sql.bind(&id);
    sql.push(&format!(" AND user_id NOT IN ({PROTECTED})"));
    sql.push(" UNION ALL SELECT 'links', count(*) FROM ");
    links::waiting(&mut sql, "l", "u");
    sql.push(" AND l.dismissed_at IS NULL AND l.configuration_id = ");
    sql.bind(&id);
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

/// The text by which a name is found without regard to case.
fn key(name: &str) -> String {
    Key::of(name).as_str().to_owned()
}
