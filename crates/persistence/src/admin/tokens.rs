//! Rows of `access_tokens`.

use chrono::{DateTime, Utc};
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::{AccessToken, ProvisioningConfiguration};
use scim_provisioning::{ConfigurationId, StoreError};

use super::configurations::{self, ConfigurationRow};
use crate::condition::millis;
use crate::connection::Connection;
use crate::view::{instant, unreadable};

const COLUMNS: &str = "t.id, t.configuration_id, t.hash, t.sealed, t.key_id, t.hint, \
    t.created_at, t.created_by, t.expires_at, t.revoked_at, t.last_used_at, t.last_used_from, \
    t.last_used_by";

#[derive(QueryableByName)]
struct TokenRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = Text)]
    sealed: String,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Text)]
    hint: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Text)]
    created_by: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    expires_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_used_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    last_used_from: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_used_by: Option<String>,
}

#[derive(QueryableByName)]
struct TokenAndConfiguration {
    #[diesel(embed)]
    token: TokenRow,
    #[diesel(embed)]
    configuration: ConfigurationRow,
}

impl TryFrom<TokenRow> for AccessToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            configuration: ConfigurationId::parse(&row.configuration_id)
                .ok_or_else(|| unreadable("access_tokens.configuration_id"))?,
            hash: row.hash,
            sealed: row.sealed,
            key_id: row.key_id,
            hint: row.hint,
            created: instant(row.created_at),
            created_by: row.created_by,
            expires: row.expires_at.map(instant),
            revoked: row.revoked_at.map(instant),
            last_used: row.last_used_at.map(instant),
            last_used_from: row.last_used_from,
            last_used_by: row.last_used_by,
        })
    }
}

pub(super) fn insert(connection: &mut Connection, token: &AccessToken) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO access_tokens (id, configuration_id, hash, sealed, key_id, hint, created_at, \
         created_by, expires_at) VALUES (",
    );
    sql.bind(&token.id);
    sql.push(", ").bind(token.configuration.to_string());
    sql.push(", ")
        .bind(&token.hash)
        .push(", ")
        .bind(&token.sealed);
    sql.push(", ")
        .bind(&token.key_id)
        .push(", ")
        .bind(&token.hint);
    sql.push(", ").bind(millis(token.created));
    sql.push(", ").bind(&token.created_by);
    sql.push(", ").bind(token.expires.map(millis)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<Vec<AccessToken>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS} FROM access_tokens t WHERE t.configuration_id = "
    ));
    sql.bind(configuration.to_string())
        .push(" ORDER BY t.id DESC");
    let rows: Vec<TokenRow> = connection.rows(&sql)?;
    rows.into_iter().map(AccessToken::try_from).collect()
}

pub(super) fn find(
    connection: &mut Connection,
    hash: &str,
) -> Result<Option<(AccessToken, ProvisioningConfiguration)>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {COLUMNS}, {} FROM access_tokens t \
         JOIN provisioning_configurations c ON c.id = t.configuration_id WHERE t.hash = ",
        configurations::COLUMNS
    ));
    sql.bind(hash);
    connection
        .row::<TokenAndConfiguration>(&sql)?
        .map(|row| Ok((row.token.try_into()?, row.configuration.try_into()?)))
        .transpose()
}

pub(super) fn revoke(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET revoked_at = ");
    sql.bind(millis(now)).push(" WHERE id = ").bind(id);
    sql.push(" AND revoked_at IS NULL");
    Ok(connection.execute(&sql)? > 0)
}

/// Lets a token end at a time, unless it ends before that anyway.
pub(super) fn retire(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET expires_at = ");
    sql.bind(millis(at)).push(" WHERE id = ").bind(id);
    sql.push(" AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ");
    sql.bind(millis(at)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

/// Lets a token that is live now end at a time; answers whether there was one.
pub(super) fn set_end(
    connection: &mut Connection,
    id: &str,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET expires_at = ");
    sql.bind(millis(end)).push(" WHERE id = ").bind(id);
    sql.push(" AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ");
    sql.bind(millis(now)).push(")");
    Ok(connection.execute(&sql)? > 0)
}

pub(super) fn touch(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
    from: Option<&str>,
    client: Option<&str>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE access_tokens SET last_used_at = ");
    sql.bind(millis(at)).push(", last_used_from = ").bind(from);
    sql.push(", last_used_by = ").bind(client);
    sql.push(" WHERE id = ").bind(id);
    connection.execute(&sql)?;
    Ok(())
}
