//! Rows of `api_keys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKey;
use scim_admin::scope::Scopes;
use scim_admin::store::{ReadApiKeys, WriteApiKeys};
use scim_protocol::text::fold;
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::error::unreadable;
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct ApiKeyRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Nullable<Text>)]
    scopes: Option<String>,
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    made_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    account_id: Option<String>,
}

const COLUMNS: &str =
    "id, name, role, scopes, hash, created_at, expires_at, revoked_at, made_by, account_id";

impl ReadApiKeys for AdminRows<'_> {
    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError> {
        let sql = self
            .connection
            .sql(&format!("SELECT {COLUMNS} FROM api_keys ORDER BY name_key"));
        let rows: Vec<ApiKeyRow> = self.connection.rows(&sql)?;
        rows.into_iter().map(key).collect()
    }

    fn api_key_of_hash(&mut self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let mut sql = self
            .connection
            .sql(&format!("SELECT {COLUMNS} FROM api_keys WHERE hash = "));
        sql.bind(hash);
        self.connection.row::<ApiKeyRow>(&sql)?.map(key).transpose()
    }
}

impl WriteApiKeys for AdminRows<'_> {
    fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "INSERT INTO api_keys (id, name, name_key, role, scopes, hash, created_at, \
             expires_at, made_by, account_id) VALUES (",
        );
        sql.bind(&key.id).push(", ").bind(&key.name);
        sql.push(", ").bind(fold(&key.name));
        sql.push(", ").bind(key.role.as_str());
        sql.push(", ").bind(key.scopes.to_string());
        sql.push(", ").bind(&key.hash);
        sql.push(", ").bind(millis(key.created));
        sql.push(", ").bind(millis(key.expires));
        sql.push(", ").bind(key.made_by.clone());
        sql.push(", ").bind(key.account.clone()).push(")");
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn revoke_api_key(&mut self, id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut sql = self.connection.sql("UPDATE api_keys SET revoked_at = ");
        sql.bind(millis(at)).push(" WHERE id = ").bind(id);
        sql.push(" AND revoked_at IS NULL");
        Ok(self.connection.execute(&sql)? > 0)
    }
}

fn key(row: ApiKeyRow) -> Result<ApiKey, StoreError> {
    let role = Role::parse(&row.role).ok_or_else(|| unreadable("api_keys.role"))?;
    Ok(ApiKey {
        id: row.id,
        name: row.name,
        role,
        // A key from before there were scopes has those of its role.
        scopes: match row.scopes {
            None => Scopes::of(role),
            Some(scopes) => {
                Scopes::parse(scopes.split(',')).map_err(|_error| unreadable("api_keys.scopes"))?
            }
        },
        hash: row.hash,
        created: instant(row.created_at),
        expires: instant(row.expires_at),
        revoked: row.revoked_at.map(instant),
        made_by: row.made_by,
        account: row.account_id,
    })
}
