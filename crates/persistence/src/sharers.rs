//! Who shares a value with a new or changed user.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_provisioning::directory::{
    Relation, SharedValues, Sharer, UserKeys, number_key, phone_key,
};
use scim_provisioning::{ResourceId, Scope, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::members::CHUNK;
use crate::nodes::{Number, among};
use crate::schema::{user_emails, users};
use crate::users::status;

#[derive(diesel::QueryableByName)]
struct SharerRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    user_name_key: String,
    #[diesel(sql_type = Nullable<Text>)]
    scim_user_name_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    /// An administrative role, or a console account.
    privilege: Option<String>,
    #[diesel(sql_type = Integer)]
    is_tenant_admin: i32,
    #[diesel(sql_type = Nullable<Text>)]
    contact_no: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    alt_contact_no1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    alt_contact_no2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    employee_id: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    left_at: Option<i64>,
    #[diesel(sql_type = Text)]
    status: String,
}

pub(crate) fn sharers(
    connection: &mut Connection,
    scope: Scope,
    keys: &UserKeys,
    except: Option<ResourceId>,
) -> Result<Vec<Sharer>, StoreError> {
    // What is compared here is what the indexes hold.
    let keys = &bounded(keys);
    let mut sql = connection.sql(SELECT);
    // Each part has an index of its own; tenant admins are few. What two parts find is dropped
    // below: a UNION that drops it reads whole tables in the order of their keys.
    sql.push("is_tenant_admin = 1");
    for holders in HOLDERS {
        sql.push(" UNION ALL ").push(SELECT).push(holders);
        sql.push(" AND user_name_key = ").bind(&keys.user_name);
    }
    sql.push(" UNION ALL ").push(SELECT).push("managed_by = ");
    sql.bind(scope.configuration().to_string());
    sql.push(" AND left_at IS NULL AND scim_user_name_key = ")
        .bind(&keys.scim_user_name);
    if let Some(external_id) = &keys.external_id {
        sql.push(" UNION ALL ").push(SELECT).push("managed_by = ");
        sql.bind(scope.configuration().to_string());
        sql.push(" AND left_at IS NULL AND external_id = ")
            .bind(external_id);
    }
    let mut rows: Vec<SharerRow> = connection.rows(&sql)?;
    for emails in keys.emails.chunks(CHUNK) {
        let mut sql = connection.sql(SELECT);
        sql.push(&sql.aside("managed_by"));
        sql.push(" IS NULL AND email_key ");
        sql.among(emails);
        rows.extend(connection.rows::<SharerRow>(&sql)?);
    }
    let except = except.map(|id| id.to_string());
    let mut seen = HashSet::new();
    let protected = rows.iter().filter(|row| row.is_tenant_admin != 0);
    let protected: Vec<&str> = protected.map(|row| row.id.as_str()).collect();
    let met = with_address(connection, &protected, keys)?;
    rows.iter()
        .filter(|row| Some(&row.id) != except.as_ref() && seen.insert(&row.id))
        .filter_map(|row| {
            let former_address = met.as_ref() == Some(&row.id);
            row.sharer(scope, keys, former_address).transpose()
        })
        .collect()
}

/// The first of these accounts that has one of the names or addresses among all addresses that it
/// ever was provisioned with.
fn with_address(
    connection: &mut Connection,
    accounts: &[&str],
    keys: &UserKeys,
) -> Result<Option<String>, StoreError> {
    if accounts.is_empty() {
        return Ok(None);
    }
    let names = [&keys.user_name, &keys.scim_user_name];
    let values: Vec<&String> = names.into_iter().chain(&keys.emails).collect();
    for chunk in values.chunks(CHUNK) {
        let found: Option<String> = connection.first(
            user_emails::table
                .filter(among(user_emails::value_key, chunk))
                .filter(among(user_emails::user_id, accounts))
                .limit(1)
                .select(user_emails::user_id),
        )?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn bounded(keys: &UserKeys) -> UserKeys {
    let key = |folded: &String| Key::of_folded(folded).as_str().to_owned();
    UserKeys {
        user_name: key(&keys.user_name),
        scim_user_name: key(&keys.scim_user_name),
        emails: keys.emails.iter().map(key).collect(),
        recovery: keys.recovery.clone(),
        external_id: keys.external_id.clone(),
    }
}

pub(crate) fn protected(
    connection: &mut Connection,
    ids: &[ResourceId],
) -> Result<Option<ResourceId>, StoreError> {
    // Tenant admins are few, and have an index of their own, of which these are the words.
    let protected: Vec<String> = connection.load(
        users::table
            .filter(users::is_tenant_admin.eq(Number::<1>))
            .select(users::id),
    )?;
    let found = protected.iter().filter_map(|id| ResourceId::parse(id));
    Ok(found.into_iter().find(|id| ids.contains(id)))
}

impl SharerRow {
    /// `None` where nothing is shared after all.
    fn sharer(
        &self,
        scope: Scope,
        keys: &UserKeys,
        former_address: bool,
    ) -> Result<Option<Sharer>, StoreError> {
        let shared = SharedValues {
            former_address,
            ..self.shared(keys)
        };
        let none = SharedValues {
            external_id: shared.external_id.filter(|same| !same),
            ..SharedValues::default()
        };
        if shared == none {
            return Ok(None);
        }
        Ok(Some(Sharer {
            id: ResourceId::parse(&self.id).ok_or_else(|| unreadable("users.id"))?,
            name: self.user_name.clone(),
            relation: self.relation(scope),
            status: status(&self.status)?,
            shared,
        }))
    }

    fn relation(&self, scope: Scope) -> Relation {
        match &self.managed_by {
            _ if self.is_tenant_admin != 0 => Relation::Protected,
            Some(configuration) if *configuration == scope.configuration().to_string() => {
                match self.left_at {
                    None => Relation::Own,
                    Some(_) => Relation::Left,
                }
            }
            Some(_) => Relation::Foreign,
            None if self.privilege.is_some() => Relation::Privileged,
            None => Relation::ByHand,
        }
    }

    fn shared(&self, keys: &UserKeys) -> SharedValues {
        let names = [&keys.user_name, &keys.scim_user_name];
        let mut own = [Some(&self.user_name_key), self.email_key.as_ref()]
            .into_iter()
            .flatten();
        let numbers = [
            &self.contact_no,
            &self.alt_contact_no1,
            &self.alt_contact_no2,
        ];
        let numbers = numbers.into_iter().filter_map(|number| number.as_deref());
        SharedValues {
            user_name: self.user_name_key == keys.user_name,
            scim_user_name: self.scim_user_name_key.as_ref() == Some(&keys.scim_user_name),
            external_id: self
                .external_id
                .as_ref()
                .map(|id| Some(id) == keys.external_id.as_ref()),
            email: self
                .email_key
                .as_ref()
                .is_some_and(|email| keys.emails.contains(email)),
            name_or_address: own.any(|key| names.contains(&key) || keys.emails.contains(key)),
            former_address: false,
            recovery: numbers
                .filter_map(phone_key)
                .chain(self.employee_id.as_deref().and_then(number_key))
                .any(|key| keys.recovery.contains(&key)),
        }
    }
}

/// Whoever holds a value: archived people give theirs back once the identity provider let them go.
const HOLDERS: [&str; 2] = [
    "status <> 'archived'",
    "status = 'archived' AND managed_by IS NOT NULL AND left_at IS NULL",
];

const SELECT: &str = "SELECT id, user_name, user_name_key, scim_user_name_key, email_key, external_id, managed_by, \
     COALESCE(admin_role, (SELECT min(a.id) FROM accounts a WHERE a.user_id = users.id)) \
     AS privilege, CAST(is_tenant_admin AS INTEGER) AS is_tenant_admin, contact_no, alt_contact_no1, \
     alt_contact_no2, employee_id, left_at, status \
     FROM users WHERE (status <> 'archived' OR managed_by IS NOT NULL AND left_at IS NULL) AND ";
