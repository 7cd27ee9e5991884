//! Who shares a value with a new or changed user.

use std::collections::HashSet;

use diesel::dsl::min;
use diesel::prelude::*;
use scim_provisioning::directory::{
    Relation, SharedValues, Sharer, UserKeys, number_key, phone_key,
};
use scim_provisioning::{ResourceId, Scope, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::members::CHUNK;
use crate::nodes::{Number, among};
use crate::schema::{accounts, user_emails, users};
use crate::users::status;
use crate::values::{Word, all_of, aside, coalesce};

#[derive(Queryable)]
struct SharerRow {
    id: String,
    user_name: String,
    user_name_key: String,
    scim_user_name_key: Option<String>,
    email_key: Option<String>,
    external_id: Option<String>,
    managed_by: Option<String>,
    /// An administrative role, or a console account.
    privilege: Option<String>,
    is_tenant_admin: i32,
    contact_no: Option<String>,
    alt_contact_no1: Option<String>,
    alt_contact_no2: Option<String>,
    employee_id: Option<String>,
    left_at: Option<i64>,
    status: String,
}

/// People who have not given their values back: archived people do once the identity provider let
/// them go.
macro_rules! holders {
    () => {{
        let accounts = accounts::table
            .filter(accounts::user_id.eq(users::id.nullable()))
            .select(min(accounts::id))
            .single_value();
        users::table
            .filter(
                users::status.ne(ARCHIVED).or(users::managed_by
                    .is_not_null()
                    .and(users::left_at.is_null())),
            )
            .select((
                users::id,
                users::user_name,
                users::user_name_key,
                users::scim_user_name_key,
                users::email_key,
                users::external_id,
                users::managed_by,
                coalesce(users::admin_role, accounts),
                users::is_tenant_admin,
                users::contact_no,
                users::alt_contact_no1,
                users::alt_contact_no2,
                users::employee_id,
                users::left_at,
                users::status,
            ))
    }};
}

const ARCHIVED: Word = Word("archived");

pub(crate) fn sharers(
    connection: &mut Connection,
    scope: Scope,
    keys: &UserKeys,
    except: Option<ResourceId>,
) -> Result<Vec<Sharer>, StoreError> {
    // What is compared here is what the indexes hold.
    let keys = &bounded(keys);
    // Each part has an index of its own; tenant admins are few. What two parts find is dropped
    // below: a UNION that drops it reads whole tables in the order of their keys.
    let configuration = scope.configuration().to_string();
    let protected = holders!().filter(users::is_tenant_admin.eq(Number::<1>));
    let unarchived = holders!()
        .filter(users::status.ne(ARCHIVED))
        .filter(users::user_name_key.eq(&keys.user_name));
    let archived = holders!()
        .filter(users::status.eq(ARCHIVED))
        .filter(users::managed_by.is_not_null())
        .filter(users::left_at.is_null())
        .filter(users::user_name_key.eq(&keys.user_name));
    let own = holders!()
        .filter(users::managed_by.eq(&configuration))
        .filter(users::left_at.is_null());
    let named = own.filter(users::scim_user_name_key.eq(&keys.scim_user_name));
    let all = all_of(all_of(all_of(protected, unarchived), archived), named);
    let mut rows: Vec<SharerRow> = match &keys.external_id {
        Some(id) => connection.load(all_of(all, own.filter(users::external_id.eq(id))))?,
        None => connection.load(all)?,
    };
    for emails in keys.emails.chunks(CHUNK) {
        let by_hand = holders!()
            .filter(aside(users::managed_by).is_null())
            .filter(among(users::email_key, emails));
        rows.extend(connection.load::<SharerRow, _>(by_hand)?);
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
