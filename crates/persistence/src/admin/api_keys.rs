//! Rows of `api_keys`.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKey;
use scim_admin::scope::Scopes;
use scim_admin::store::{ReadApiKeys, WriteApiKeys};
use scim_protocol::text::fold;
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::error::{readable, unreadable};
use crate::schema::api_keys;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct ApiKeyRow {
    id: String,
    name: String,
    role: String,
    scopes: Option<String>,
    hash: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    made_by: Option<String>,
    account_id: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = api_keys)]
struct NewApiKey<'a> {
    id: &'a str,
    name: &'a str,
    name_key: String,
    role: &'a str,
    scopes: String,
    hash: &'a str,
    created_at: i64,
    expires_at: i64,
    made_by: Option<&'a str>,
    account_id: Option<&'a str>,
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StoreError> {
        let role = Role::parse(&row.role).ok_or_else(|| unreadable("api_keys.role"))?;
        Ok(Self {
            id: row.id,
            name: row.name,
            role,
            // A key from before there were scopes has those of its role.
            scopes: match row.scopes {
                None => Scopes::of(role),
                Some(scopes) => Scopes::parse(scopes.split(','))
                    .map_err(|_error| unreadable("api_keys.scopes"))?,
            },
            hash: row.hash,
            created: instant(row.created_at),
            expires: instant(row.expires_at),
            revoked: row.revoked_at.map(instant),
            made_by: row.made_by,
            account: row.account_id,
        })
    }
}

impl ReadApiKeys for AdminRows<'_> {
    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError> {
        let query = api_keys::table
            .select(ApiKeyRow::as_select())
            .order(api_keys::name_key);
        let rows: Vec<ApiKeyRow> = self.connection.load(query)?;
        let id = |row: &ApiKeyRow| row.id.clone();
        Ok(readable(rows, "api_keys", id, ApiKey::try_from))
    }

    fn api_key_of_hash(&mut self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let query = api_keys::table
            .filter(api_keys::hash.eq(hash))
            .select(ApiKeyRow::as_select());
        let row: Option<ApiKeyRow> = self.connection.first(query)?;
        row.map(ApiKey::try_from).transpose()
    }
}

impl WriteApiKeys for AdminRows<'_> {
    fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let insert = diesel::insert_into(api_keys::table).values(NewApiKey {
            id: &key.id,
            name: &key.name,
            name_key: fold(&key.name),
            role: key.role.as_str(),
            scopes: key.scopes.to_string(),
            hash: &key.hash,
            created_at: millis(key.created),
            expires_at: millis(key.expires),
            made_by: key.made_by.as_deref(),
            account_id: key.account.as_deref(),
        });
        self.connection.execute(insert).map(drop)
    }

    fn revoke_api_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let live = api_keys::table
            .find(id)
            .filter(api_keys::revoked_at.is_null());
        let update = diesel::update(live).set(api_keys::revoked_at.eq(millis(at)));
        Ok(self.connection.execute(update)? > 0)
    }
}
